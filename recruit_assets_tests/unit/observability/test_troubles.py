"""Each channel is told of a trouble once when it begins and once when it is over, whatever fails in between."""

from collections.abc import Mapping, Sequence

import pytest

from recruit_assets.observability.alerts import Alert
from recruit_assets.observability.troubles import Memory, Troubles, message, tell

LATE = {"late": "2 hours wait"}
DEAD = {"ingest": "ingest is dead"}


class Channels:
    """Channels that remember what they took; those in `broken` take nothing."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.broken: set[str] = set()
        self.took: dict[str, list[str]] = {name: [] for name in names}

    def send(self, alert: Alert, receivers: Sequence[str]) -> Mapping[str, str]:
        for name in receivers:
            if name not in self.broken:
                self.took[name].append(alert.body)
        return {name: "it is down" for name in receivers if name in self.broken}


def told(channels: Channels, *ticks: Troubles, memory: Memory | None = None) -> Memory:
    """Memory after these ticks, through the text of a cursor each time."""
    memory = memory or Memory()
    for now in ticks:
        stored = Memory.parse(str(memory))
        assert stored is not None
        memory = tell(stored, now, channels.names, channels.send).memory
    return memory


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over() -> None:
    channels = Channels("chat")

    told(channels, {}, LATE, LATE, {"late": "3 hours wait"}, {}, {})

    assert channels.took == {"chat": ["2 hours wait", "Over: 2 hours wait"]}


def test_what_begins_and_ends_together_is_one_message() -> None:
    channels = Channels("chat")

    told(channels, LATE, DEAD | {"check": "a check fails"}, {})

    assert channels.took["chat"][1:] == [
        "ingest is dead\na check fails\nOver: 2 hours wait",
        "Over: ingest is dead\nOver: a check fails",
    ]


def test_a_message_names_what_lasts() -> None:
    assert message(LATE, LATE | DEAD) == Alert(
        "Recruitment report: ingest is dead", "ingest is dead\nStill: 2 hours wait", is_end=False
    )


def test_a_channel_that_is_down_is_told_later_and_the_other_not_twice() -> None:
    channels = Channels("chat", "mail")
    channels.broken = {"mail"}
    memory = told(channels, LATE, LATE)
    assert tell(memory, LATE, channels.names, channels.send).failed == {"mail": "it is down"}

    channels.broken = set()
    told(channels, LATE, LATE, {}, memory=memory)

    assert channels.took == {name: ["2 hours wait", "Over: 2 hours wait"] for name in ("chat", "mail")}


def test_a_channel_that_was_down_all_the_time_is_told_nothing() -> None:
    channels = Channels("mail")
    channels.broken = {"mail"}
    memory = told(channels, LATE)
    channels.broken = set()

    told(channels, {}, memory=memory)

    assert channels.took == {"mail": []}


def test_an_end_that_could_not_be_told_is_told_later() -> None:
    channels = Channels("chat")
    memory = told(channels, LATE)
    channels.broken = {"chat"}
    memory = told(channels, {}, memory=memory)
    channels.broken = set()

    told(channels, {}, {}, memory=memory)

    assert channels.took == {"chat": ["2 hours wait", "Over: 2 hours wait"]}


def test_a_new_channel_is_told_what_is_wrong_now_and_a_removed_one_is_forgotten() -> None:
    first, second = Channels("chat"), Channels("mail")
    memory = told(first, LATE)

    memory = told(second, LATE, memory=memory)

    assert (second.took, list(memory.told)) == ({"mail": ["2 hours wait"]}, ["mail"])


def test_without_channels_nothing_is_remembered() -> None:
    assert tell(Memory(), LATE, (), Channels().send).memory == Memory()


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "[]",
        '["late"]',
        '{"table:rows_agree": 12}',
        '{"chat": {"late": 3}}',
        "7",
        '"x"',
        "\ud800",
        "[" * 100_000,
    ],
)
def test_a_cursor_of_another_version_or_a_persons_is_no_memory(cursor: str) -> None:
    assert Memory.parse(cursor) is None


@pytest.mark.parametrize("cursor", [None, "", "{}"])
def test_an_empty_cursor_is_an_empty_memory(cursor: str | None) -> None:
    assert Memory.parse(cursor) == Memory()


def test_a_long_line_is_cut_in_the_subject_only() -> None:
    alert = message({}, {"check": "found " * 100})

    assert alert is not None
    assert len(alert.subject) < 150
    assert alert.body == "found " * 100
