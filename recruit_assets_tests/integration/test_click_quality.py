"""The verdicts in Spark: the same as computed by hand and as in Python."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from recruit_assets.contract.click_quality import ClickRules
from recruit_assets.transforms.click_judge import is_robot
from recruit_assets.transforms.click_quality import with_verdicts
from recruit_assets.transforms.robots import robot_instances
from recruit_assets_tests.support.click_cases import CASES, END_DATES, RULES, Case

COLUMNS = ("at_ms", "create_time", "job_id", "uid", "ua", "dl")
SCHEMA = "at_ms bigint, create_time string, job_id int, uid string, ua string, dl string"


def clicks(spark: SparkSession, folder: Path, cases: Iterable[Case]) -> DataFrame:
    rows = (dict(zip(COLUMNS, (one.at_ms, *one[1:6]), strict=True)) for one in cases)
    read = from_json_lines(spark, folder / "clicks.json", SCHEMA, rows)
    return read.selectExpr("*", "timestamp_millis(at_ms) AS event_time")


def end_dates(spark: SparkSession, folder: Path) -> DataFrame:
    rows = ({"id": id, "end_date": str(day)} for id, day in END_DATES.items())
    return from_json_lines(spark, folder / "ends.json", "id int, end_date date", rows)


def from_json_lines(spark: SparkSession, file: Path, schema: str, rows: Iterable[object]) -> DataFrame:
    """From a file: tests have no Python workers."""
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return spark.read.schema(schema).json(str(file))


def judged(frame: DataFrame) -> dict[str, str]:
    """The verdicts by create_time."""
    return {row["create_time"]: row["verdict"] for row in frame.select("create_time", "verdict").collect()}


def test_spark_finds_the_verdicts_that_were_found_by_hand(spark: SparkSession, tmp_path: Path) -> None:
    frame = with_verdicts(clicks(spark, tmp_path, CASES), end_dates(spark, tmp_path), RULES)

    got = judged(frame)
    assert [(case, got[case.create_time]) for case in CASES if got[case.create_time] != case.verdict] == []
    assert len(got) == len(CASES)


def test_without_a_window_nothing_is_a_duplicate(spark: SparkSession, tmp_path: Path) -> None:
    frame = with_verdicts(clicks(spark, tmp_path, CASES), end_dates(spark, tmp_path), replace(RULES, window_s=0))

    assert "duplicate" not in judged(frame).values()


def test_spark_and_python_know_the_same_robots(spark: SparkSession, tmp_path: Path) -> None:
    """The list's own examples, and variants that may be none: Java reads patterns in its own way."""
    agents = sorted({part for ua in robot_instances() for part in (ua, ua[: len(ua) * 2 // 3], ua + "\n")})
    cases = (CASES[0]._replace(create_time=str(number), ua=ua) for number, ua in enumerate(agents))

    frame = with_verdicts(clicks(spark, tmp_path, cases), end_dates(spark, tmp_path), ClickRules(window_s=0))

    robots = {agents[int(number)] for number, verdict in judged(frame).items() if verdict == "robot"}
    assert robots == {ua for ua in agents if is_robot(ua)}
    assert len(agents) - 500 > len(robots) >= len(set(robot_instances()))
