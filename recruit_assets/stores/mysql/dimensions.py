"""Loading the dimensions: jobs, and the names of companies, campaigns, groups and publishers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import LiteralString

import orjson
from pymysql.cursors import Cursor

from recruit_assets.contract.types import SqlTable
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.stores.mysql.connection import ReportDatabase

ROWS_PER_STATEMENT = 1_000

# Rows are one JSON parameter: MySQL deprecates VALUES() in the update, MariaDB doesn't have the row alias that replaces
# it. The JSON columns are wider than the table's, because MariaDB cuts a value that doesn't fit them; the insert fails.
UPSERT: LiteralString = """
    INSERT INTO job (id, company_id, group_id, campaign_id, title)
    SELECT * FROM (
        SELECT given.id, given.company_id, given.group_id, given.campaign_id, given.title
        FROM JSON_TABLE(%s, '$[*]' COLUMNS (
            id bigint PATH '$.id' ERROR ON EMPTY ERROR ON ERROR,
            company_id bigint PATH '$.company_id' ERROR ON ERROR,
            group_id bigint PATH '$.group_id' ERROR ON ERROR,
            campaign_id bigint PATH '$.campaign_id' ERROR ON ERROR,
            title text PATH '$.title' ERROR ON ERROR
        )) AS given
    ) AS wanted
    ON DUPLICATE KEY UPDATE
        company_id = wanted.company_id,
        group_id = wanted.group_id,
        campaign_id = wanted.campaign_id,
        title = wanted.title
"""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the job dimension."""

    id: int
    company_id: int | None
    group_id: int | None = None
    campaign_id: int | None = None
    title: str | None = None


def load_jobs(database: ReportDatabase, rows: Iterable[JobRow]) -> None:
    """Insert or update these jobs in one transaction; other jobs and columns stay as they are."""
    batches = [_as_json(batch) for batch in in_chunks(rows, ROWS_PER_STATEMENT)]

    def write(cursor: Cursor) -> None:
        for batch in batches:
            cursor.execute(UPSERT, (batch,))

    database.run_transaction(write)


def _as_json(rows: Iterable[JobRow]) -> str:
    """Nulls are left out: an absent path is NULL in both databases, a JSON null in a typed column is an error."""
    present = [{name: value for name, value in asdict(row).items() if value is not None} for row in rows]
    return orjson.dumps(present).decode()


def load_names(database: ReportDatabase, names: Mapping[SqlTable, Mapping[int, str]]) -> None:
    """Insert or update these names in one transaction; others stay as they are."""

    def write(cursor: Cursor) -> None:
        for table, by_id in names.items():
            rows = orjson.dumps([{"id": id, "name": name} for id, name in by_id.items()]).decode()
            cursor.execute(_upsert(table), (rows,))

    database.run_transaction(write)


def _upsert(table: SqlTable) -> str:
    """A statement like UPSERT for a table of names."""
    return (
        f"INSERT INTO {table.name} (id, name) "
        "SELECT * FROM (SELECT given.id, given.name FROM JSON_TABLE(%s, '$[*]' COLUMNS ("
        "id bigint PATH '$.id' ERROR ON EMPTY ERROR ON ERROR, "
        "name text PATH '$.name' ERROR ON ERROR)) AS given) AS wanted "
        "ON DUPLICATE KEY UPDATE name = wanted.name"
    )
