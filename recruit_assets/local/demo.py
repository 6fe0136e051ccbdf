"""`recruit-assets demo`: the whole lineage on real local engines with simulated events, audited.

The demo starts with an empty state directory of its own inside RECRUIT_STATE_DIR, so it touches no other data, and its
ledger is the complete expected report.
"""

import gc
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recruit_assets.contract.measures import CLICKS, MEANS, MEASURES
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.definitions import build_defs
from recruit_assets.defs.checks import CHECK_KEYS
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.observability.audit.last_result import keep_last_audit
from recruit_assets.observability.audit.results import AuditResult
from recruit_assets.observability.audit.run import run_audit
from recruit_assets.observability.audit.table import FILE_WIDTH, show
from recruit_assets.observability.report_page import write_page
from recruit_assets.runtime.echo import silent
from recruit_assets.runtime.files import only_one
from recruit_assets.runtime.settings import Settings, export, load_settings, read_endpoints
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec, shares_beside
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, open_instance
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import apply_schema

TOP_ROWS = 10
PAGE = "report.html"
PROGRAM = "recruit-assets"
NEXT = {
    f"{PROGRAM} demo --full": "also what is valid, who gets the credit, and a longer funnel",
    f"{PROGRAM} up": "all of it live, with Dagster's UI, until Ctrl-C (`make up`)",
    f"{PROGRAM} import FILE": "your own events, from CSV, JSON lines or Parquet: docs/import.md",
    f"{PROGRAM} collect": "events from your web pages: docs/collector.md",
    "docs/analysts.md": "the report in SQL, Grafana and Power BI",
}
SHOWN = (
    *("dates", "hours", "job_id", "publisher_id", "company_id"),
    *(measure.report_column for measure in MEASURES),
    *(mean.report_column for mean in MEANS),
)

Result = TypeVar("Result")
console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)


def run_demo(*, events: int, seed: int) -> AuditResult:
    """Run and show everything, stop the engines, and return the audit's result."""
    os.environ.pop(HOME_VARIABLE, None)  # its runs are no business of the user's Dagster instance
    outer = load_settings()
    with only_one("recruit-assets demo", outer.state_dir / "demo.lock"):
        return _run_in(outer.state_dir / "demo", events=events, seed=seed)


def _run_in(state_dir: Path, *, events: int, seed: int) -> AuditResult:
    engines = LocalEngines(load_settings(state_dir=state_dir), short_lived=True)
    engines.stop(silent)  # of a demo that was killed
    shutil.rmtree(state_dir, ignore_errors=True)
    try:
        _step("start Kafka, Cassandra, MariaDB and Spark as local processes", lambda: engines.start(_echo))
        settings = _own_settings(state_dir)
        audit = _lineage(settings, events=events, seed=seed)
        page = _step("write the report as a page", lambda: _write_page(settings))
        _show_report(settings)
    finally:
        gc.collect()  # Spark's objects: when freed after Spark has ended, each would log an error
        _step("stop the engines", lambda: engines.stop(silent))
    _show_outcome(audit, page)
    return audit


def _own_settings(state_dir: Path) -> Settings:
    """Settings of the demo's engines, whatever the environment says, exported for Dagster's EnvVars."""
    settings = load_settings(state_dir=state_dir, spark_master="local[*]", spark_remote="", **read_endpoints(state_dir))
    export(settings)
    return settings


def _lineage(settings: Settings, *, events: int, seed: int) -> AuditResult:
    """Simulate, materialize, audit."""
    ledger_file = settings.state_dir / "ledger.json"
    _step("create topics, keyspace and tables", lambda: apply_schema(settings))
    spec = _spec(settings, events=events, seed=seed)
    ledger = _step(f"send {events:,} records to Kafka", lambda: simulate_to_kafka(settings, spec))
    ledger.write(ledger_file)
    _step(
        "materialize the lineage with Dagster: Kafka, Cassandra, Spark, MySQL",
        lambda: materialize_pending(build_defs(settings=settings), settings, _echo),
    )
    audit = _step("audit all stores against the ledger", lambda: run_audit(settings, ledger=ledger_file))
    keep_last_audit(settings, audit)
    return audit


def _spec(settings: Settings, *, events: int, seed: int) -> SimulationSpec:
    """A simulation with something to see in each table beside the report that the settings switch on."""
    actions = tuple(settings.funnel_action_list)
    return SimulationSpec(events=events, seed=seed, further_actions=actions, **shares_beside(settings))


def _write_page(settings: Settings) -> Path:
    """The report as a page, which stays after the demo."""
    page = settings.state_dir / PAGE
    with open_instance(settings) as instance:
        write_page(settings, instance, page, checks=CHECK_KEYS)
    return page


def _show_report(settings: Settings) -> None:
    """Print the rows with the most clicks, and the totals."""
    with open_report_database(settings) as database:
        ((rows, clicks, hours),) = database.query(
            f"SELECT COUNT(*), SUM({CLICKS.report_column}), COUNT(DISTINCT dates, hours) FROM {MYSQL_REPORT.name}"
        )
        top = database.query(
            f"SELECT {', '.join(SHOWN)} FROM {MYSQL_REPORT.name} "
            f"ORDER BY {CLICKS.report_column} DESC, dates, hours, job_id LIMIT {TOP_ROWS}"
        )
    what = CLICKS.title.lower()
    title = f"{MYSQL_REPORT.name}: the {len(top)} of {rows:,} rows with the most {what} ({clicks:,} in {hours} hours)"
    table = Table(*SHOWN, title=title, title_justify="left", box=None, pad_edge=False)
    for row in top:
        table.add_row(*(f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value) for value in row))
    console.print(table)


def _show_outcome(audit: AuditResult, page: Path) -> None:
    show(audit, console)
    for line in (f"The report as a page: {page}", f"Its database is the MariaDB of {page.parent}.", "What next:"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    found = shutil.which(PROGRAM) is not None
    first = (
        {} if found else {f"source {shlex.quote(sys.prefix)}/bin/activate": f"first: the shell finds {PROGRAM} then"}
    )
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 2))
    for what, why in (first | NEXT).items():
        table.add_row(Text(what, no_wrap=True), why)
    console.print(table, highlight=False)


def _step(what: str, work: Callable[[], Result]) -> Result:
    """Do the work, with a spinner on a terminal, and print how long it took."""
    started = monotonic()
    with console.status(what):
        result = work()
    console.print(f"{monotonic() - started:6.1f} s  {what}", highlight=False)
    return result


def _echo(message: str) -> None:
    console.print(f"          {message}", markup=False, highlight=False)
