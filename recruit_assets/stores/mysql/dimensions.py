"""Loading the dimensions: jobs, and the names of companies, campaigns, groups and publishers."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date

import orjson
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import JOB
from recruit_assets.contract.types import SqlTable
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.stores.mysql.connection import ReportDatabase

ROWS_PER_STATEMENT = 1_000

JSON_TYPES = {
    "company_id": "bigint",
    "group_id": "bigint",
    "campaign_id": "bigint",
    "title": "text",
    "end_date": "text",
}
"""The columns of a job beside its id. They are wider than the table's: MariaDB cuts a value that doesn't fit the type
here, a value that doesn't fit the table fails the insert.
"""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the job dimension."""

    id: int
    company_id: int | None
    group_id: int | None = None
    campaign_id: int | None = None
    title: str | None = None
    end_date: date | None = None


def load_jobs(
    database: ReportDatabase, rows: Iterable[JobRow], *, columns: Collection[str] = tuple(JSON_TYPES)
) -> None:
    """Insert or update these jobs in one transaction; other jobs, and other columns of these, stay as they are."""
    batches = [_as_json(batch) for batch in in_chunks(rows, ROWS_PER_STATEMENT)]
    upsert = _upsert(JOB, {name: type for name, type in JSON_TYPES.items() if name in columns})

    def write(cursor: Cursor) -> None:
        for batch in batches:
            cursor.execute(upsert, (batch,))

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
            cursor.execute(_upsert(table, {"name": "text"}), (rows,))

    database.run_transaction(write)


def _upsert(table: SqlTable, types: Mapping[str, str]) -> str:
    """A statement that inserts the rows of a JSON list by id, or updates these columns, given with their JSON types."""
    # one JSON parameter: MySQL deprecates VALUES() in the update, MariaDB doesn't have the row alias that replaces it
    names = ["id", *types]
    parsed = ["id bigint PATH '$.id' ERROR ON EMPTY ERROR ON ERROR"]
    parsed += [f"{name} {type} PATH '$.{name}' ERROR ON ERROR" for name, type in types.items()]
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) "
        f"SELECT * FROM (SELECT {', '.join(f'given.{name}' for name in names)} "
        f"FROM JSON_TABLE(%s, '$[*]' COLUMNS ({', '.join(parsed)})) AS given) AS wanted "
        f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = wanted.{name}' for name in types)}"
    )
