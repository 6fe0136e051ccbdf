"""The table dead_letter_replays: which dead letters were sent again, and where the broker put each record."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from recruit_assets.contract.dead_letters import TIME_UNKNOWN_MS, DeadLetterReason, Origin
from recruit_assets.contract.tables import DEAD_LETTER_REPLAYS
from recruit_assets.runtime.times import aware, to_ms
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders

OFFSETS_PER_QUERY = 500
PLACES_PER_PAGE = 10_000

_TABLE = DEAD_LETTER_REPLAYS.name
_FIRST = "topic, kafka_partition, kafka_offset, kafka_timestamp_ms"
_PLACE = "topic, replay_partition, replay_offset, replay_timestamp_ms"
_INSERT = (
    f"INSERT INTO {_TABLE} ({_FIRST}, attempts, reason, replayed_at, replay_partition, replay_offset, "
    "replay_timestamp_ms) VALUES (%s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6), %s, %s, %s) "
    # two replays at the same time may give the same number
    "ON DUPLICATE KEY UPDATE replayed_at = VALUES(replayed_at), replay_partition = VALUES(replay_partition), "
    "replay_offset = VALUES(replay_offset), replay_timestamp_ms = VALUES(replay_timestamp_ms)"
)


@dataclass(frozen=True, slots=True)
class Replay:
    """One time that a dead letter was sent again."""

    first: Origin
    """The record that was rejected first."""
    attempts: int
    """1 for its first replay, 2 for the second, and so on."""
    replayed_at: datetime


@dataclass(frozen=True, slots=True)
class SentRecord:
    """A replay that isn't recorded yet."""

    first: Origin
    attempts: int
    reason: DeadLetterReason
    place: Origin
    """Where the broker put it."""


def replays_at(database: ReportDatabase, places: Iterable[Origin]) -> dict[Origin, Replay]:
    """Those of the records at these places that are replays."""
    rows = _rows(database, places, partition="replay_partition", offset="replay_offset")
    return {Origin(*place): replay for replay, place in rows}


def last_replays(database: ReportDatabase, firsts: Sequence[Origin]) -> dict[Origin, Replay]:
    """The last replay of each of these records that has one."""
    replays: dict[tuple[str, int, int], list[Replay]] = defaultdict(list)
    for replay, _ in _rows(database, firsts, partition="kafka_partition", offset="kafka_offset"):
        replays[_place(replay.first)].append(replay)
    last = {first: [one for one in replays[_place(first)] if _is_of(one, first)] for first in firsts}
    return {first: max(found, key=lambda one: one.attempts) for first, found in last.items() if found}


def replay_places(database: ReportDatabase, topic: str) -> Iterator[list[tuple[int, int, int]]]:
    """(partition, offset, timestamp) of every replay in the topic, one page at a time."""
    after: tuple[Any, ...] = (-1, -1, -1)
    while page := database.query(
        f"SELECT replay_partition, replay_offset, replay_timestamp_ms FROM {_TABLE} WHERE topic = %s AND "
        "(replay_partition > %s OR replay_partition = %s AND replay_offset > %s) "
        f"ORDER BY replay_partition, replay_offset LIMIT {PLACES_PER_PAGE}",
        (topic, after[0], after[0], after[1]),
    ):
        yield [(partition, offset, timestamp_ms) for partition, offset, timestamp_ms in page]
        after = page[-1]


def record_replays(database: ReportDatabase, sent: Sequence[SentRecord]) -> None:
    """Record that these were sent again; the time is the database's."""
    rows = [
        (*astuple(one.first), one.attempts, one.reason.value, *astuple(one.place)[1:]) for one in sent
    ]  # fmt: skip
    if rows:
        database.run_transaction(lambda cursor: cursor.executemany(_INSERT, rows))


def forget_replays(database: ReportDatabase, *, older_than_days: int) -> None:
    """Delete the rows of older replays."""
    delete = f"DELETE FROM {_TABLE} WHERE replayed_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY"
    database.query(delete, (older_than_days,))


def _rows(
    database: ReportDatabase, origins: Iterable[Origin], *, partition: str, offset: str
) -> Iterator[tuple[Replay, tuple[Any, ...]]]:
    """Each row whose place in these two columns is that of an origin, with the place of its replay."""
    offsets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for origin in origins:
        offsets[origin.topic, origin.partition].add(origin.offset)
    for of_partition, found in offsets.items():
        wanted = sorted(found)
        for start in range(0, len(wanted), OFFSETS_PER_QUERY):
            some = wanted[start : start + OFFSETS_PER_QUERY]
            for *columns, attempts, at in database.query(
                f"SELECT {_FIRST}, {_PLACE}, attempts, replayed_at FROM {_TABLE} "
                f"WHERE topic = %s AND {partition} = %s AND {offset} IN ({placeholders(some)})",
                (*of_partition, *some),
            ):
                yield Replay(Origin(*columns[:4]), attempts, aware(at)), tuple(columns[4:])


def _place(origin: Origin) -> tuple[str, int, int]:
    return origin.topic, origin.partition, origin.offset


def _is_of(replay: Replay, first: Origin) -> bool:
    """True if that record was replayed, and not one at the same place before the topic was made anew."""
    if replay.first.timestamp_ms == TIME_UNKNOWN_MS:
        return first.timestamp_ms <= to_ms(replay.replayed_at)
    return replay.first == first
