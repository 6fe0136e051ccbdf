"""Dead letters: made from rejected records, listed, and replayed to the event topic.

Their form in Kafka is `stores.kafka.dead_letter_topic`; the table of replays is `stores.mysql.dead_letter_replays`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason, Origin
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware
from recruit_assets.stores.cassandra.erasures import read_erasures
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import MAX_REQUEST_BYTES, TopicSender, open_admin, open_sender
from recruit_assets.stores.kafka.dead_letter_topic import ForeignRecord, read_dead_letters, size_of
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topics import DAY_MS, topic_options
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dead_letter_replays import (
    Replay,
    SentRecord,
    forget_replays,
    last_replays,
    record_replays,
    replays_at,
)
from recruit_assets.transforms.erasure import ErasedPeople
from recruit_assets.transforms.privacy import privacy_of

EXAMPLES = 5
LONGEST_RETENTION_DAYS = 36_500
"""About what MySQL can subtract from today; a topic that keeps records longer keeps them for ever."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects dead letters by reason, and by record time at or after `since`."""

    reason: DeadLetterReason | None = None
    since: datetime | None = None

    def includes(self, letter: DeadLetter) -> bool:
        if self.reason is not None and letter.reason is not self.reason:
            return False
        return self.since is None or letter.origin.timestamp_ms >= self.since.timestamp() * 1000


@dataclass(frozen=True, slots=True)
class Traced:
    """A dead letter, and what the table of replays says about its record."""

    letter: DeadLetter
    first: Origin
    """The record that was rejected first: the letter's own, unless that was a replay."""
    attempts: int
    """Which rejection of the record the letter stands for."""
    last: Replay | None
    """The record's last replay."""


@dataclass(slots=True)
class ForeignRecords:
    """Records of the dead letter topic that were skipped: another program wrote them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, record: ForeignRecord) -> None:
        self.count += 1
        if self.count <= EXAMPLES:
            self.examples.append(str(record))


@dataclass(slots=True)
class Replayed:
    """Counts of a replay, in dead letters."""

    sent: int = 0
    skipped: int = 0
    """Their record was replayed before."""
    cut: int = 0
    """The dead letter topic has only a part of the record, or it is too large for the event topic."""
    foreign: ForeignRecords = field(default_factory=ForeignRecords)


def dead_letter_for(record: Record, why: RejectedEvent) -> DeadLetter:
    """The dead letter of a record. What the record's own headers say about an origin is never believed."""
    origin = Origin(record.topic, record.partition, record.offset, record.timestamp)
    return DeadLetter(
        origin=origin,
        reason=why.reason,
        message=f"{origin}: {why}",
        exception=f"{type(why).__module__}.{type(why).__qualname__}",
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )


def list_dead_letters(
    settings: Settings, selection: Selection, *, foreign: ForeignRecords | None = None
) -> Iterator[Traced]:
    """The selected dead letters, by partition in the topic's order; a record has one for each time it was rejected."""
    foreign = foreign or ForeignRecords()
    with open_report_database(settings) as database:
        for letters in _selected(settings, selection, foreign):
            yield from traced(database, letters)


def replay_dead_letters(settings: Settings, selection: Selection, *, again: bool = False) -> Replayed:
    """Send the selected original records to the event topic, each once; with `again` also those replayed before.

    A second replay is harmless, since it writes the same row. A record that is rejected again becomes another dead
    letter, whose first origin the table of replays knows. Records of erased people are sent without what identifies
    them.
    """
    done = Replayed()
    with open_admin(settings) as admin:
        retention_ms = int(topic_options(admin, settings.dlq_topic)["retention.ms"])
        limit = int(topic_options(admin, settings.kafka_topic)["max.message.bytes"])
    with (
        open_report_database(settings) as database,
        open_session(settings) as session,
        open_sender(settings, settings.kafka_topic) as events,
    ):
        _forget_old_replays(database, retention_ms)
        ((now,),) = database.query("SELECT UTC_TIMESTAMP(6)")
        replayer = _Replayer(
            database, events, limit_bytes=min(limit, MAX_REQUEST_BYTES), sent_since=aware(now) if again else None
        )
        for letters in _selected(settings, selection, done.foreign):
            erased = ErasedPeople(privacy_of(settings), read_erasures(session))
            replayer.replay(traced(database, [erased.of_letter(letter) for letter in letters]), done)
    return done


def traced(database: ReportDatabase, letters: Sequence[DeadLetter]) -> list[Traced]:
    """Each letter with its first origin. Reads only the rows of these letters from the table of replays."""
    sent = replays_at(database, [letter.origin for letter in letters])
    firsts = [replay.first for replay in sent.values()] + [letter.origin for letter in letters]
    last = last_replays(database, [*firsts, *(letter.first for letter in letters if letter.first)])

    def trace(letter: DeadLetter) -> Traced:
        if replay := sent.get(letter.origin):
            return Traced(letter, replay.first, replay.attempts + 1, last.get(replay.first))
        if letter.first in last:
            return Traced(letter, letter.first, letter.attempts, last[letter.first])
        return Traced(letter, letter.origin, 1, last.get(letter.origin))

    return [trace(letter) for letter in letters]


class _Replayer:
    """Sends records, and stores each replay after Kafka acknowledged it: a crash in between only sends some twice.

    A replay before `sent_since` doesn't count; without it, all count.
    """

    def __init__(
        self, database: ReportDatabase, events: TopicSender, *, limit_bytes: int, sent_since: datetime | None
    ) -> None:
        self._database = database
        self._events = events
        self._limit_bytes = limit_bytes
        self._sent_since = sent_since

    def replay(self, letters: Sequence[Traced], done: Replayed) -> None:
        """Send what is to be sent, and add to the counts."""
        queue: dict[Origin, Traced] = {}
        for one in letters:
            if not one.letter.is_whole or self._is_too_large(one.letter):
                done.cut += 1
            elif one.first in queue or self._was_sent(one):
                done.skipped += 1
            else:
                queue[one.first] = one
        for one in queue.values():
            self._events.send(one.letter.key, one.letter.value, headers=list(one.letter.headers))
        places = [Origin(at.topic, at.partition, at.offset, at.timestamp) for at in self._events.acknowledged()]
        record_replays(
            self._database,
            [
                SentRecord(one.first, one.last.attempts + 1 if one.last else 1, one.letter.reason, place)
                for one, place in zip(queue.values(), places, strict=True)
            ],
        )
        done.sent += len(queue)

    def _was_sent(self, one: Traced) -> bool:
        return one.last is not None and (self._sent_since is None or one.last.replayed_at >= self._sent_since)

    def _is_too_large(self, letter: DeadLetter) -> bool:
        return size_of(letter.key, letter.value, list(letter.headers)) > self._limit_bytes


def _forget_old_replays(database: ReportDatabase, retention_ms: int) -> None:
    """Twice the topic's retention: it deletes whole segments, and a replay may be rejected some time later."""
    days = 2 * -(-retention_ms // DAY_MS)
    if 0 < days <= LONGEST_RETENTION_DAYS:
        forget_replays(database, older_than_days=days)


def _selected(settings: Settings, selection: Selection, foreign: ForeignRecords) -> Iterator[list[DeadLetter]]:
    for found in read_dead_letters(settings):
        letters = []
        for one in found:
            if isinstance(one, ForeignRecord):
                foreign.add(one)
            elif selection.includes(one):
                letters.append(one)
        yield letters
