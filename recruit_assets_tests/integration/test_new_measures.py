"""A new action and a new sum need only their declaration: a copy of the package that has it counts them everywhere."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import recruit_assets
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.transforms.hourly import add_up, to_report
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.pages import Reading

DECLARED = """
SAVES = Count(
    "saves", column="saved", report_column="saved_job", spellings=("save", "bookmark"), title="Saves",
    description="Number of saved jobs",
)
EFFORT = Sum(
    "effort", column="ev_sum", report_column="effort_hour", of="ev", where=SAVES, title="Effort",
    description="Sum of ev of the saves",
)
MEASURES = (*MEASURES, SAVES, EFFORT)
MEANS = (*MEANS, Mean(report_column="mean_effort", sum=EFFORT, count=SAVES, description="Mean ev of the saves"))
KPIS = (*KPIS, Kpi("save_rate", SAVES, CLICKS, title="Save rate", description="Saves per click"))
"""
DERIVED = "\nCOUNTS = tuple("
"""What follows in measures.py is derived from the declarations."""

RUN = """
import sys
from recruit_assets.cli.main import app
for command in sys.argv[1].split(";"):
    app(command.split(), standalone_mode=False)
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the package in which the measures are declared."""

    folder: Path
    settings: Settings

    def run(self, *commands: str) -> None:
        """`recruit-assets` with each of these commands; CalledProcessError if one fails."""
        own = {"PYTHONPATH": str(self.folder), "DAGSTER_HOME": str(self.folder / "dagster")}
        subprocess.run(
            [sys.executable, "-c", RUN, ";".join(commands)],
            env=os.environ | as_environment(self.settings) | own,
            cwd=self.folder,
            check=True,
            timeout=240,
        )


@pytest.fixture
def copy(engines: Settings, tmp_path: Path) -> Iterator[Copy]:
    package = Path(recruit_assets.__file__).parent
    shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(package.parent / "dagster.yaml", tmp_path)
    (tmp_path / "dagster").mkdir()
    declarations = tmp_path / package.name / "contract" / "measures.py"
    before, derived, after = declarations.read_text(encoding="utf-8").partition(DERIVED)
    declarations.write_text(before + DECLARED + derived + after, encoding="utf-8")
    settings = fresh_names(engines)
    yield Copy(tmp_path, settings)
    drop_everything(settings)


def test_a_declared_action_and_sum_are_counted_from_kafka_to_the_page(copy: Copy, spark: SparkSession) -> None:
    seven = datetime(2026, 1, 5, 7, tzinfo=UTC)
    copy.run("schema apply")
    seen_by(spark, copy.settings, timeout_s=60)
    producer = open_producer(copy.settings)
    for seed, (track, ev) in enumerate(
        [("save", 3), ("bookmark", 4), ("click", 9), ("conversion", None), ("saved", 8)]
    ):
        producer.send(copy.settings.kafka_topic, as_bytes(an_event(seven, seed=seed, custom_track=track, ev=ev)))
    producer.close()

    copy.run("materialize", "audit", "report --html report.html")  # `audit` fails if anything differs

    with open_report_database(copy.settings) as database:
        assert database.query(
            "SELECT clicks, conversion, spend_hour, bid_set, saved_job, effort_hour, mean_effort FROM mysql_report"
        ) == [(1, 1, 10.0, 10.0, 2, 7.0, 3.5)]
        assert database.query("SELECT event_count FROM report_hours") == [(4,)]
        assert database.query("SELECT saves, effort FROM fact_hourly") == [(2, 7.0)]
        assert database.query("SELECT saves, effort, save_rate FROM kpi_by_job") == [(2, 7.0, 2.0)]
    text = Reading((copy.folder / "report.html").read_text(encoding="utf-8")).text
    for wanted in ("Saves 2", "Effort 7", "Save rate 200.0%", "Saves: number of saved jobs"):
        assert wanted in text


def test_rows_from_before_a_measure_was_declared_count_as_zero(spark: SparkSession) -> None:
    """Null metrics would make a null of a report column that can't be null: the hour could never be published again."""
    known = "1L AS clicks, 2L AS conversion, 3L AS qualified, cast(NULL AS bigint) AS unqualified"
    metrics = spark.sql(
        "SELECT timestamp'2026-01-05 07:00:00' AS event_hour, 0 AS bucket, 1 AS job_id, 2 AS publisher_id, "
        f"3 AS campaign_id, 4 AS group_id, {known}, cast(NULL AS bigint) AS bid_sum, now() AS latest_received_at"
    )

    report, total = to_report(metrics), add_up(metrics)

    columns = ["clicks", "conversion", "qualified_application", "disqualified_application", "spend_hour", "bid_set"]
    assert [tuple(row) for row in report.select(*columns).collect()] == [(1, 2, 3, 0, 0.0, 0.0)]
    sums = ["clicks", "conversion", "qualified", "unqualified", "bid_sum"]
    assert [tuple(row) for row in total.select(*sums).collect()] == [(1, 2, 3, 0, 0)]
