"""`recruit-assets dead-letters`: rejected records are listed, replayed, and marked as replayed."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from recruit_assets.cli.main import app
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.kafka.clients import open_sender
from recruit_assets_tests.support.builders import an_event, as_bytes

TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
TODAY = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M}"
EARLY = as_bytes(an_event(datetime(2023, 6, 1, tzinfo=UTC)))


@pytest.fixture
def rejected(settings: Settings) -> Settings:
    """Three dead letters: one rejected because of a setting, and two that can never become events."""
    with open_sender(settings, settings.kafka_topic) as topic:
        for value in (EARLY, b"poison", b"\xe9"):
            topic.send(b"a key", value, headers=[])
        topic.acknowledged()
    drain(settings)
    return settings


def listed(*options: str) -> list[list[str]]:
    """The cells of each listed line."""
    done = CliRunner().invoke(app, ["dead-letters", "list", *options])
    assert (done.exit_code, done.stderr) == (0, "")
    return sorted(line.split("\t") for line in done.stdout.splitlines())


def replayed(*options: str) -> str:
    """A replay's message: "N replayed M"."""
    done = CliRunner().invoke(app, ["dead-letters", "replay", *options])
    assert (done.exit_code, done.stdout) == (0, "")
    return done.stderr.partition(",")[0] + done.stderr.partition(",")[2].partition(" skipped")[0]


def test_dead_letters_are_listed_by_reason_and_time_with_their_origin(rejected: Settings) -> None:
    everything = listed()

    assert [(cells[0], cells[3], cells[4]) for cells in everything] == [
        ("before_first_hour", "1", "-"), ("not_json", "1", "-"), ("not_utf8", "1", "-"),
    ]  # fmt: skip
    topics, _, offsets = zip(*(cells[1].split("/") for cells in everything), strict=True)
    assert (set(topics), sorted(offsets)) == ({rejected.kafka_topic}, ["0", "1", "2"])
    assert listed("--reason", "not_json") == everything[1:2]
    assert listed("--since", TODAY) == everything
    assert listed("--since", TOMORROW) == []


def test_a_replay_sends_the_selected_records_and_is_harmless_when_repeated(rejected: Settings) -> None:
    """A record rejected only because of a setting becomes an event; one rejected again keeps its origin."""
    origins = {cells[0]: cells[1] for cells in listed()}

    messages = [
        replayed("--since", TOMORROW),
        replayed("--reason", "before_first_hour"),
        replayed("--reason", "before_first_hour"),
        replayed(),
        replayed("--again", "--since", TODAY),
    ]
    lower = load_settings(**rejected.model_dump() | {"first_hour": datetime(2023, 1, 1, tzinfo=UTC)})
    result = drain(lower)

    assert messages == ["0 replayed 0", "1 replayed 0", "0 replayed 1", "2 replayed 1", "3 replayed 0"]
    assert result.events == 2  # the same event twice, which is one row
    after = listed()
    assert all(cells[4] != "-" for cells in after)
    assert {(cells[0], cells[1]) for cells in after} == set(origins.items())
    assert sorted(cells[3] for cells in after if cells[0] == "not_json") == ["1", "2", "3"]
