"""Finds everything of a person: events in Cassandra, dead letters, and the records that Kafka still has of the events.

No search reads the history: events are found by an index, and their records by the time at which Kafka received them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.events import MAX_UID_BYTES
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware, to_ms
from recruit_assets.stores.cassandra.erasures import events_of
from recruit_assets.stores.cassandra.privacy import read_privacy
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.dead_letter_topic import read_dead_letters
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topic_reader import open_topic_reader
from recruit_assets.transforms.erasure import Person, person_of
from recruit_assets.transforms.privacy import privacy_of, require_privacy

Found = Mapping[str, Any]


def export(settings: Settings, uid: str) -> Iterator[Found]:
    """Everything of the person with this uid or pseudonym: first events, then dead letters, then Kafka's records."""
    times_ms: set[int] = set()
    with open_session(settings) as session:
        person = find_person(session, settings, uid)
        for event in events_of(session, person.uids):
            times_ms.add(to_ms(aware(event["received_at"])))
            yield {"kind": "event", **event}
    for found in read_dead_letters(settings):
        letters = (one for one in found if isinstance(one, DeadLetter))
        yield from (_letter(one) for one in letters if person.owns(one.key, one.value))
    yield from (_record(one) for one in kafka_records(settings, person, times_ms))


def find_person(session: CassandraSession, settings: Settings, uid: str) -> Person:
    """UserError if the uid is empty, no text or too long, or if RECRUIT_PRIVACY isn't the installation's."""
    try:
        size_bytes = len(uid.encode())
    except UnicodeEncodeError:
        size_bytes = 0
    if not 0 < size_bytes <= MAX_UID_BYTES:
        raise UserError(f"UID: wanted the uid of a person, 1 to {MAX_UID_BYTES} bytes in UTF-8, found other bytes")
    stored, privacy = read_privacy(session), privacy_of(settings)
    require_privacy(stored[-1], privacy.in_force)
    return person_of(uid, privacy, stored)


def kafka_records(settings: Settings, person: Person, times_ms: Iterable[int]) -> Iterator[Record]:
    """The person's records that the event topic still has of these times."""
    with open_topic_reader(settings) as reader:
        for time_ms in sorted(times_ms):
            for record in reader.records_at(settings.kafka_topic, time_ms):
                if person.owns(None, record.value):
                    yield record


def _letter(letter: DeadLetter) -> Found:
    return {
        "kind": "dead_letter",
        "rejected_record": str(letter.origin),
        "received_at_ms": letter.origin.timestamp_ms,
        "reason": letter.reason,
        "message": letter.message,
        "key": _text(letter.key),
        "value": _text(letter.value),
        "headers": [[name, _text(value)] for name, value in letter.headers],
    }


def _record(record: Record) -> Found:
    return {
        "kind": "record",
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "received_at_ms": record.timestamp,
        "value": _text(record.value),
    }


def _text(value: bytes | None) -> str | None:
    """Bytes that aren't UTF-8 as escapes."""
    return None if value is None else value.decode(errors="backslashreplace")
