"""RECRUIT_ATTRIBUTION in Spark: the same jobs as computed by hand and as found in Python."""

import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from recruit_assets.contract.attribution import DEFAULT, Attribution, attribution
from recruit_assets.contract.tables import FILTERED_EVENTS, GRAIN
from recruit_assets.transforms.attribution import RULE, countable_with_found_jobs
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.hourly import countable
from recruit_assets_tests.support.job_cases import CASES, NOBODY, PATTERN, RULES, Case

ALL = attribution(list(RULES), PATTERN)
SCHEMA = (
    "create_time string, custom_track string, job_id int, publisher_id int, campaign_id int, group_id int, bid int, "
    "ed string, dl string"
)
MADE = (
    "timestamp'2026-01-05 07:00:00' AS event_hour", "0 AS bucket", "timestamp'2026-01-05 07:30:00' AS event_time",
    "timestamp'2026-01-05 07:31:00' AS received_at", "*",
)  # fmt: skip
MUTATIONS = 6_000
ALPHABET = '{}[]:,"\\ \t\n\u0000ujobId0123456789.eE+-truefalsnNaIy\ufeff🦊é'


Raw = Callable[[Sequence[Case]], DataFrame]


@pytest.fixture
def raw(spark: SparkSession, tmp_path: Path) -> Raw:
    """Clicks; create_time is the position of the case. From a file: tests have no Python workers."""
    columns = [name.split()[0] for name in SCHEMA.split(", ")]

    def read(cases: Sequence[Case]) -> DataFrame:
        rows = ((str(number), "click", *case.own, None, case.ed, case.dl) for number, case in enumerate(cases))
        lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
        (tmp_path / "raw.json").write_text("\n".join(lines), encoding="utf-8")
        return spark.read.schema(SCHEMA).json(str(tmp_path / "raw.json")).selectExpr(*MADE)

    return read


def any_events(spark: SparkSession) -> DataFrame:
    """Raw events that the optimizer knows nothing about."""
    columns = (name.split() for name in SCHEMA.split(", "))
    values = (f"if(id > 2, cast(id AS {type_}), NULL) AS {name}" for name, type_ in columns)
    return spark.range(5).selectExpr(*values).selectExpr(*MADE)


def found(frame: DataFrame) -> dict[int, tuple[int | None, ...]]:
    """Rule and ids by the position of the case."""
    rows = frame.select("create_time", RULE, *GRAIN).collect()
    return {int(number): tuple(values) for number, *values in rows}


def test_spark_finds_the_jobs_that_were_computed_by_hand(raw: Raw) -> None:
    frame = countable_with_found_jobs(raw(CASES), ALL)

    wanted = {
        number: (RULES.index(case.found[0]), *case.found[1:])
        if case.found
        else (None, None, *(one or 0 for one in case.own[1:]))
        for number, case in enumerate(CASES)
    }
    got = found(frame)
    assert {CASES[number]: got[number] for number in wanted if got[number] != wanted[number]} == {}
    assert {*frame.columns} == {*FILTERED_EVENTS.column_names, RULE}
    assert dict(frame.dtypes)["job_id"] == "int"


def test_spark_and_python_find_the_same_in_damaged_event_data(raw: Raw) -> None:
    """Where they differ, audit and checks would call a correct hour wrong."""
    rng = random.Random(11)
    texts = [case.ed for case in CASES if case.ed and len(case.ed) < 100]
    cases = [Case(NOBODY, damaged(rng.choice(texts), rng), None, None) for _ in range(MUTATIONS)]
    finder = JobFinder(ALL)

    got = found(countable_with_found_jobs(raw(cases), ALL))

    wanted = {number: (one.rule, *one.ids) for number, case in enumerate(cases) if (one := finder.find(*case[:3]))}
    missed = {cases[number].ed: (one, got[number]) for number, one in wanted.items() if got[number] != one}
    assert missed == {}
    assert {
        cases[number].ed for number, (rule, *_) in got.items() if rule is not None and number not in wanted
    } == set()
    assert 500 < len(wanted) < MUTATIONS - 500


def damaged(text: str, rng: random.Random) -> str:
    """The text with up to three characters replaced, removed or added."""
    characters = list(text)
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(characters) + 1)
        characters[place : place + rng.randrange(2)] = rng.choices(ALPHABET, k=rng.randrange(3))
    return "".join(characters)


def test_events_own_jobs_are_found_with_the_plan_of_before(spark: SparkSession) -> None:
    events = any_events(spark)

    assert plan(countable_with_found_jobs(events, DEFAULT)) == plan(countable(events))


@pytest.mark.parametrize("rules", [ALL, attribution(["job_id", "ed.jobId"], "")])
def test_event_data_is_only_parsed_of_countable_events_and_once_per_rule(
    spark: SparkSession, rules: Attribution
) -> None:
    optimized = plan(countable_with_found_jobs(any_events(spark), rules))

    assert optimized.count("from_json") == sum(bool(rule.path) for rule in rules.rules)
    assert optimized.rindex("from_json") < optimized.index("Filter"), optimized


def plan(frame: DataFrame) -> str:
    """The optimized plan, without the numbers of its columns."""
    return re.sub("#[0-9]+L?", "", frame._jdf.queryExecution().optimizedPlan().toString())
