"""The tables of names: the one place that writes them.

Belongs here: loading names. Not here: which tables there are (`analyst_model`), jobs (`job_dimension`), which names
there are (a simulation's are in `simulator.names`; a real site loads its own).
"""

from collections.abc import Mapping

import orjson
from pymysql.cursors import Cursor

from recruit_assets.contract import SqlTable
from recruit_assets.stores.mysql import ReportDatabase


def load_names(database: ReportDatabase, names: Mapping[SqlTable, Mapping[int, str]]) -> None:
    """Insert the names or bring them up to date, all or none; others stay as they are."""

    def write(cursor: Cursor) -> None:
        for table, by_id in names.items():
            rows = orjson.dumps([{"id": id, "name": name} for id, name in by_id.items()]).decode()
            cursor.execute(_upsert(table), (rows,))

    database.run_transaction(write)


def _upsert(table: SqlTable) -> str:
    """One JSON parameter, since no other upsert is taken by MySQL and MariaDB alike without a warning."""
    return (
        f"INSERT INTO {table.name} (id, name) "
        "SELECT * FROM (SELECT given.id, given.name FROM JSON_TABLE(%s, '$[*]' COLUMNS ("
        "id bigint PATH '$.id' ERROR ON EMPTY ERROR ON ERROR, "
        "name text PATH '$.name' ERROR ON ERROR)) AS given) AS wanted "
        "ON DUPLICATE KEY UPDATE name = wanted.name"
    )
