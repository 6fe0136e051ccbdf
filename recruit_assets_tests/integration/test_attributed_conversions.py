"""RECRUIT_ATTRIBUTION_DAYS on the real engines: clicks get their credit, also late ones, by `materialize` alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.simulator.expected import expected_tables, rules_of
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.installation import Installation

pytestmark = pytest.mark.timeout(600)  # each command is a process that starts Spark

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR, MINUTE, WEEK = timedelta(hours=1), timedelta(minutes=1), timedelta(days=7)
ROWS = """
    SELECT TIMESTAMPDIFF(HOUR, '2026-01-05 07:00:00', event_hour), publisher_id, attributed, applications,
      qualified_applications, disqualified_applications FROM attributed_conversions WHERE job_id = %s ORDER BY 1, 2, 3
"""
MADE = """
    SELECT TIMESTAMPDIFF(HOUR, '2026-01-05 07:00:00', event_hour), covered_through FROM attributed_conversions_hours
"""
SHELL = """
import sys
from recruit_assets.cli.main import app
for line in sys.stdin:
    print("ended with", app(line.split(), standalone_mode=False), flush=True)
"""
ENDED = "ended with"
KILLED = """
import os
from recruit_assets.defs.io_managers import conversion_clicks
from recruit_assets.cli.main import app
conversion_clicks.replace_hours = lambda *_, **__: os.kill(os.getpid(), 9)
app(["materialize"])
"""


@dataclass(slots=True)
class Site:
    """An installation with people who click and apply, and a process of it that executes commands."""

    settings: Settings
    folder: Path
    shell: subprocess.Popen[str]

    def run(self, command: str) -> str:
        """What `recruit-assets` with this command shows; AssertionError if it fails."""
        assert self.shell.stdin
        assert self.shell.stdout
        print(command, file=self.shell.stdin, flush=True)
        lines: list[str] = []
        for line in self.shell.stdout:
            if line.startswith(ENDED):
                assert line.split()[-1] in ("0", "None"), "".join(lines)
                return "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines))

    def send(self, *events: dict[str, object]) -> None:
        send(self.settings, [as_bytes(event) for event in events])

    def rows(self, job_id: int) -> list[tuple[object, ...]]:
        with open_report_database(self.settings) as database:
            return database.query(ROWS, (job_id,))

    def made(self) -> dict[int, datetime]:
        """How far each hour is complete."""
        with open_report_database(self.settings) as database:
            return dict(database.query(MADE))


@pytest.fixture(scope="module")
def site(engines: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests, each with jobs of its own: a process takes seconds to start."""
    settings, folder = an_installation(engines, spark), tmp_path_factory.mktemp("site")
    with subprocess.Popen(
        [sys.executable, "-c", SHELL],
        env=environment(settings, folder),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as shell:
        yield Site(settings, folder, shell)
        assert shell.stdin
        shell.stdin.close()
    drop_everything(settings)


def an_installation(engines: Settings, spark: SparkSession) -> Settings:
    settings = fresh_names(engines).model_copy(update={"attribution_days": 7, "attribution": "job_id,ed.jobId"})
    apply_schema(settings)
    seen_by(spark, settings, timeout_s=60)
    return settings


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Of a process of this installation."""
    (folder / "dagster").mkdir(exist_ok=True)
    return {**os.environ, **as_environment(settings), "DAGSTER_HOME": str(folder / "dagster")}


def send(settings: Settings, values: Sequence[bytes | None]) -> None:
    with open_publisher(settings) as publisher:
        publisher.send(values)
        publisher.finish()


def click(at: datetime, publisher_id: int, uid: str | None = "ann", **fields: object) -> dict[str, object]:
    """On job 1, if `fields` name no other."""
    return an_event(at, seed=publisher_id, publisher_id=publisher_id, **{"uid": uid, "ua": "Firefox"} | fields)


def application(at: datetime, uid: str | None = "ann", **fields: object) -> dict[str, object]:
    """On a page of publisher 9."""
    return click(at, 9, uid, **{"custom_track": "conversion"} | fields)


def test_a_late_click_gets_its_credit_and_reopens_only_what_it_changes(site: Site) -> None:
    site.send(
        click(SEVEN, 1),
        application(SEVEN + 30 * MINUTE),
        application(SEVEN + 31 * MINUTE, "bob"),
        application(SEVEN + 32 * MINUTE, None),
        application(SEVEN + HOUR, custom_track="qualified"),
        application(SEVEN + 2 * HOUR, job_id=None, ed='{"jobId":1}', custom_track="unqualified"),
        application(SEVEN + 3 * HOUR, job_id=2),
        application(SEVEN + WEEK),
        application(SEVEN + WEEK + MINUTE),
    )
    site.run("materialize")

    seven, eight, nine = [(0, 1, 1, 1, 0, 0), (0, 9, 0, 2, 0, 0)], (1, 1, 1, 0, 1, 0), (2, 1, 1, 0, 0, 1)
    assert site.rows(1) == [*seven, eight, nine, (168, 1, 1, 1, 0, 0), (168, 9, 0, 1, 0, 0)]
    assert site.rows(2) == [(3, 9, 0, 1, 0, 0)]
    assert "attributed_conversions" not in site.run("materialize"), "nothing is stale"

    before = site.made()
    site.send(click(SEVEN + 90 * MINUTE, 2), click(SEVEN + 90 * MINUTE, 3, "bob"))
    site.run("materialize")

    nine, week = (2, 2, 1, 0, 0, 1), (168, 2, 1, 2, 0, 0)
    assert site.rows(1) == [*seven, eight, nine, week]
    assert {hour for hour, at in site.made().items() if at != before.get(hour)} == {1, 2, 168}

    before = site.made()
    site.send(click(SEVEN + 15 * MINUTE, 4), application(SEVEN + 40 * MINUTE, "eve"))
    site.run("materialize")

    assert site.rows(1) == [(0, 4, 1, 1, 0, 0), (0, 9, 0, 3, 0, 0), (1, 4, 1, 0, 1, 0), nine, week]
    assert {hour for hour, at in site.made().items() if at != before.get(hour)} == {0, 1}
    assert "attributed_conversions" in site.run("audit")


def test_a_run_that_is_killed_between_marks_and_rows_loses_no_credit(site: Site) -> None:
    site.send(click(SEVEN, 1, job_id=5), application(SEVEN + 5 * HOUR, job_id=5))
    site.run("materialize")
    site.send(click(SEVEN + 4 * HOUR, 2, job_id=5))

    killed = subprocess.run(
        [sys.executable, "-c", KILLED],
        env=environment(site.settings, site.folder),
        cwd=site.folder,
        capture_output=True,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert site.rows(5) == [(5, 1, 1, 1, 0, 0)]
    site.run("materialize")
    assert site.rows(5) == [(5, 2, 1, 1, 0, 0)]


def test_an_hour_is_made_again_when_its_click_is_gone(site: Site) -> None:
    """Two records of one event may contradict each other, and then the other one has won."""
    at = SEVEN + 20 * HOUR
    site.send(click(at, 1, job_id=6), click(at + HOUR, 2, "bob", job_id=6))
    site.send(application(at + 2 * HOUR, job_id=6), click(at + 2 * HOUR, 8, "bob", job_id=6, custom_track="conversion"))
    site.run("materialize")
    assert site.rows(6) == [(22, 1, 1, 1, 0, 0), (22, 2, 1, 1, 0, 0)]

    site.send(click(at + HOUR, 2, "eve", job_id=6))  # the event that was bob's
    site.run("materialize")

    assert site.rows(6) == [(22, 1, 1, 1, 0, 0), (22, 8, 0, 1, 0, 0)]


def test_the_ledger_is_exact_while_events_come_late(engines: Settings, spark: SparkSession, tmp_path: Path) -> None:
    settings = an_installation(engines, spark)
    own = Installation(settings, tmp_path)
    environment(settings, tmp_path)
    spec = SimulationSpec(
        events=4_000, start=SEVEN - 5 * HOUR, end=SEVEN, late_share=0.3, late_hours=4.0, event_data_share=0.3,
        journey_share=0.5,
    )  # fmt: skip
    sink = ListSink()
    simulate(spec, sink, rules=rules_of(settings), downstream=expected_tables(settings)).write(tmp_path / "ledger.json")
    half = len(sink.values) // 2
    with open_report_database(settings) as database:
        load_jobs(database, dimension_rows(site_jobs(spec.jobs)))

    send(settings, sink.values[:half])
    own.run("materialize")
    send(settings, sink.values[half:])
    shown = own.run("materialize", "audit --ledger ledger.json")

    assert "ledger: attributed_conversions" in shown
    assert "not exact" not in shown
    drop_everything(settings)
