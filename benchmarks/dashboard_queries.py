"""How long each dashboard panel's query takes, on a report of a year with a million rows.

`python -m benchmarks.dashboard_queries`. The rows are written into a new database, on a MariaDB that is started for it
or on the server in RECRUIT_MYSQL_*. The queries are those of the provisioned dashboards, over the last week and over
the whole year. Exit code 1 if one takes more than a second.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated
from uuid import uuid4

import typer
from pymysql.cursors import Cursor
from rich.progress import track
from rich.table import Table

from benchmarks.console import console, echo
from recruit_assets.contract.analyst_model import FACT
from recruit_assets.contract.tables import MYSQL_REPORT, REPORT_HOURS
from recruit_assets.hours.ports import SqlRow
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.simulator.budgets import site_budgets
from recruit_assets.simulator.jobs import Job, dimension_rows, site_jobs
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID, FIRST_GROUP_ID, FIRST_PUBLISHER_ID, site_names
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.mysql.budgets import load_budgets
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs, load_names
from recruit_assets.stores.mysql.schema import apply_mysql_schema
from recruit_assets_tests.support.grafana import panel_queries, variable_queries

END = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 365
HOURS = DAYS * 24
REPEATS = 5
LIMIT_MS = 1000
SITE = SimulationSpec(jobs=5_000)
RANGES = {"last week": (timedelta(days=7), 3600), "year": (timedelta(days=365), 12 * 3600)}
"""How far back, and the width of a point, as Grafana chooses it for a panel of 900 pixels."""


def main(
    rows: Annotated[int, typer.Option(help="Report rows, spread over the year's hours")] = 1_000_000,
    state_dir: Annotated[Path, typer.Option(help="State directory of the MariaDB that is started")] = Path(
        ".recruit/bench-dashboards"
    ),
    keep: Annotated[str, typer.Option(help="Name of a database to keep, and to reuse if it exists")] = "",
) -> None:
    """Load a year of hours and time every query of every panel and variable."""
    with _server(state_dir.resolve()) as server:
        settings = server.model_copy(update={"mysql_database": keep or f"bench_{uuid4().hex[:8]}"})
        apply_mysql_schema(settings)
        with open_report_database(settings) as database:
            try:
                if not database.query(f"SELECT 1 FROM {REPORT_HOURS.name} LIMIT 1"):
                    _load(database, rows)
                slowest_ms = _show(database)
            finally:
                if not keep:
                    database.query(f"DROP DATABASE {settings.mysql_database}")
    raise typer.Exit(int(slowest_ms > LIMIT_MS))


@contextmanager
def _server(state_dir: Path) -> Iterator[Settings]:
    """The server in the settings, or a MariaDB that is started and stopped."""
    settings = load_settings(state_dir=state_dir)
    engines = LocalEngines(settings)
    if settings.mysql_host:
        yield settings
        return
    engines.start_one(EngineName.MARIADB, echo)
    try:
        yield load_settings(state_dir=state_dir)
    finally:
        engines.stop()


def _load(database: ReportDatabase, rows: int) -> None:
    """One transaction per day: one per hour, as runs write them, would take four minutes on this disk."""
    rng, jobs = Random(1), site_jobs(SITE.jobs)  # noqa: S311  # nothing secret
    load_jobs(database, dimension_rows(jobs))
    load_names(database, site_names(SITE))
    load_budgets(database, site_budgets(SITE, END))
    for day in track(range(DAYS), "a year of days", console=console, disable=not console.is_terminal):
        hours = [END - timedelta(days=DAYS - day) + timedelta(hours=hour) for hour in range(24)]
        counts = [rows * (24 * day + hour + 1) // HOURS - rows * (24 * day + hour) // HOURS for hour in range(24)]
        by_hour = {hour: _rows(hour, count, jobs=jobs, rng=rng) for hour, count in zip(hours, counts, strict=True)}
        database.run_transaction(partial(_insert, by_hour=by_hour))
    database.query("ANALYZE TABLE mysql_report, report_hours")


def _insert(cursor: Cursor, *, by_hour: Mapping[datetime, Sequence[SqlRow]]) -> None:
    for table, rows in (
        (MYSQL_REPORT, [row for in_hour in by_hour.values() for row in in_hour]),
        (REPORT_HOURS, [(hour, hour, 0, len(in_hour), len(in_hour), "bench") for hour, in_hour in by_hour.items()]),
    ):
        markers = ", ".join(["%s"] * len(table.columns))
        cursor.executemany(f"INSERT INTO {table.name} ({', '.join(table.column_names)}) VALUES ({markers})", rows)


def _rows(hour: datetime, count: int, *, jobs: list[Job], rng: Random) -> list[SqlRow]:
    """Distinct jobs and publishers of one hour. A few jobs are in most hours."""
    grains: dict[tuple[int, int], None] = {}
    while len(grains) < count:
        popular = min(int(rng.paretovariate(0.6)) - 1, len(jobs) - 1)
        grains[popular, rng.randrange(SITE.publishers)] = None
    day = hour.replace(hour=0, tzinfo=None)
    rows: list[SqlRow] = []
    for rank, publisher in grains:
        ids = (
            FIRST_GROUP_ID + rank % SITE.groups,
            FIRST_CAMPAIGN_ID + rank % SITE.campaigns,
            FIRST_PUBLISHER_ID + publisher,
        )
        clicks, applied = rng.randrange(1, 6), rng.randrange(2)
        rows.append(
            (
                jobs[rank].id, day, hour.hour, rng.randrange(2), rng.randrange(2), applied, jobs[rank].company_id, *ids,
                50.0, clicks, None, 50.0 * clicks, "Cassandra", hour.replace(tzinfo=None),
            )
        )  # fmt: skip
    return rows


def _show(database: ReportDatabase) -> float:
    """Print the milliseconds of each query, median of REPEATS after a warm-up, and return the slowest median."""
    ((version,),) = database.query("SELECT VERSION()")
    ((count,),) = database.query(f"SELECT COUNT(*) FROM {FACT.name}")
    table = Table("query", *(f"{name}, ms" for name in RANGES), title=f"{count:,} report rows, {version}", box=None)
    slowest = 0.0
    for query in panel_queries("mysql") + variable_queries():
        times = [
            _median_ms(database, query.expanded(END - back, END, interval_s=width)) for back, width in RANGES.values()
        ]
        slowest = max(slowest, *times)
        table.add_row(str(query), *(f"{one:,.0f}" for one in times))
    console.print(table)
    return slowest


def _median_ms(database: ReportDatabase, sql: str) -> float:
    def once() -> float:
        started = time.perf_counter()
        database.query(sql)
        return (time.perf_counter() - started) * 1000

    once()
    return statistics.median(once() for _ in range(REPEATS))


if __name__ == "__main__":
    typer.run(main)
