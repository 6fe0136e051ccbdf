"""Dead letters: made from rejected records, listed, and replayed to the event topic.

Their form in Kafka is `stores.kafka.dead_letter_topic`; the table of replays is `stores.mysql.dead_letter_replays`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import Headers, TopicSender, open_sender
from recruit_assets.stores.kafka.dead_letter_topic import origin_in, read_dead_letters
from recruit_assets.stores.kafka.group_member import Record
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dead_letter_replays import record_replays, replayed_origins

REPLAY_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects dead letters by reason, and by record time at or after `since`."""

    reason: DeadLetterReason | None = None
    since: datetime | None = None

    def includes(self, letter: DeadLetter) -> bool:
        if self.reason is not None and letter.reason is not self.reason:
            return False
        return self.since is None or letter.timestamp_ms >= self.since.timestamp() * 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """A dead letter, and when its record was last replayed, if ever."""

    letter: DeadLetter
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Counts of a replay. `skipped` were replayed before; of those `cut`, the dead letter topic has only a part."""

    sent: int
    skipped: int
    cut: int


def dead_letter_for(record: Record, why: RejectedEvent) -> DeadLetter:
    """The dead letter of a record. A replayed record keeps the origin in its headers and counts one more attempt."""
    origin, attempts = Origin(record.topic, record.partition, record.offset), 1
    if record.headers:
        found = dict(record.headers)
        with suppress(KeyError, ValueError):  # not a replay
            origin, attempts = origin_in(found), int(found[DeadLetterHeader.ATTEMPTS]) + 1
    return DeadLetter(
        origin=origin,
        reason=why.reason,
        message=f"{record.topic}/{record.partition}/{record.offset}: {why}",
        exception=f"{type(why).__module__}.{type(why).__qualname__}",
        timestamp_ms=record.timestamp,
        attempts=attempts,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )


def list_dead_letters(settings: Settings, selection: Selection) -> Iterator[Listed]:
    """The selected dead letters in the topic's order; a record that was rejected again has more than one."""
    with open_report_database(settings) as database:
        replayed = replayed_origins(database)
    for letter in read_dead_letters(settings):
        if selection.includes(letter):
            _, at = replayed.get(letter.origin, (0, None))
            yield Listed(letter, at)


def replay_dead_letters(settings: Settings, selection: Selection, *, again: bool = False) -> Replayed:
    """Send the selected original records to the event topic, each once; with `again` also those replayed before.

    A second replay is harmless, since it writes the same row. A record that is rejected again becomes another dead
    letter with the same origin.
    """
    skipped = cut = 0
    seen: set[Origin] = set()
    with open_report_database(settings) as database, _open_replayer(settings, database) as replayer:
        for letter in read_dead_letters(settings):
            if letter.origin in seen or not selection.includes(letter):
                continue
            seen.add(letter.origin)
            if not letter.is_whole:
                cut += 1
            elif replayer.was_sent(letter.origin) and not again:
                skipped += 1
            else:
                replayer.send(letter)
    return Replayed(replayer.sent, skipped, cut)


class _Replayer:
    """Sends records, and stores each replay after Kafka acknowledged it: a crash in between only sends some twice."""

    def __init__(self, events: TopicSender, database: ReportDatabase) -> None:
        self._events = events
        self._database = database
        self._before = {origin: times for origin, (times, _) in replayed_origins(database).items()}
        self._unacknowledged: list[DeadLetter] = []
        self.sent = 0

    def was_sent(self, origin: Origin) -> bool:
        return origin in self._before

    def send(self, letter: DeadLetter) -> None:
        headers = replay_headers(letter, attempts=self._before.get(letter.origin, 0) + 1)
        self._events.send(letter.key, letter.value, headers=headers)
        self._unacknowledged.append(letter)
        if len(self._unacknowledged) >= REPLAY_CHUNK:
            self.flush()

    def flush(self) -> None:
        self._events.acknowledged()
        record_replays(self._database, [(letter.origin, letter.reason) for letter in self._unacknowledged])
        self.sent += len(self._unacknowledged)
        self._unacknowledged = []


def replay_headers(letter: DeadLetter, *, attempts: int) -> Headers:
    """The original's headers, and the origin for the next dead letter if the record is rejected again."""
    ours = {
        DeadLetterHeader.TOPIC: letter.origin.topic,
        DeadLetterHeader.PARTITION: str(letter.origin.partition),
        DeadLetterHeader.OFFSET: str(letter.origin.offset),
        DeadLetterHeader.ATTEMPTS: str(attempts),
    }
    return [*letter.headers, *((name.value, text.encode()) for name, text in ours.items())]


@contextmanager
def _open_replayer(settings: Settings, database: ReportDatabase) -> Iterator[_Replayer]:
    with open_sender(settings, settings.kafka_topic) as events:
        replayer = _Replayer(events, database)
        yield replayer
        replayer.flush()
