"""Which settings of the event topic are problems, and which of them stop ingest."""

from pathlib import Path

import pytest

from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka.topics import RULES, problems

OPERATORS = (Path(__file__).parents[4] / "docs" / "operators.md").read_text(encoding="utf-8")
GOOD = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}


def test_the_settings_that_ingest_makes_itself_are_no_problem() -> None:
    assert problems(GOOD, load_settings(kafka_replication=3)) == ()
    assert problems(GOOD | {"retention.ms": "-1"}, load_settings(kafka_replication=3)) == ()


@pytest.mark.parametrize(
    ("setting", "value", "stops"),
    [
        ("message.timestamp.type", "CreateTime", True),
        ("cleanup.policy", "compact", False),
        ("cleanup.policy", "compact,delete", False),
        ("retention.ms", "259199999", False),
        ("retention.bytes", "1000000", False),
        ("max.message.bytes", "524287", False),
        ("min.insync.replicas", "1", False),
        ("unclean.leader.election.enable", "true", False),
    ],
)
def test_a_setting_that_can_lose_or_falsify_events_is_a_problem(setting: str, value: str, *, stops: bool) -> None:
    (problem,) = problems(GOOD | {setting: value}, load_settings(kafka_replication=3))

    assert (problem.setting, problem.found, problem.stops) == (setting, value, stops)


def test_every_rule_is_documented() -> None:
    rows = [line for line in OPERATORS.splitlines() if line.startswith("| `")]

    for rule in RULES:
        (row,) = [line for line in rows if line.startswith(f"| `{rule.setting}` |")]
        assert ("| stops: " in row) == rule.stops
