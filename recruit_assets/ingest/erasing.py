"""Erases a person: from the events in Cassandra, from the dead letters, and from what ingest stores later.

First the erasure is stored; ingest reads erasures again every few seconds (`ingest.known_erasures`). The person's
fields are deleted twice: at once, and when all is committed that ingest may have read before it knew. A process that
sleeps all the while can't commit what it still writes. So its records come again, and ingest then deletes what it wrote
(`stores.cassandra.batch_encoder`).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.events import FUTURE_ALLOWANCE_S
from recruit_assets.contract.tables import JUDGED_TABLES
from recruit_assets.hours.downstream import downstream_of
from recruit_assets.hours.planning import HOUR
from recruit_assets.ingest.known_erasures import MAX_AGE_S
from recruit_assets.ingest.offsets import remaining
from recruit_assets.ingest.people import find_person, kafka_records
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware, from_ms
from recruit_assets.stores.cassandra.erasures import (
    StoredEvent,
    delete_columns,
    forget_journeys,
    keys_of,
    read_erasures,
    store_erasures,
)
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.dead_letter_rewrite import rewrite_dead_letters
from recruit_assets.stores.kafka.offsets import group_members, partition_spans
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topics import topic_options
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.downstream import reopen_hours
from recruit_assets.transforms.erasure import Person, without_people

KNOWN_AFTER_S = 2 * MAX_AGE_S
COMMITTED_AFTER_S = 180
"""More than the time after which ingest gives up on a store that doesn't answer."""
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """The erased events' records that a partition of the event topic still has."""

    place: str
    records: int
    first: int
    last: int
    until: datetime | None
    """When the topic's retention ends for the newest; None if it keeps records for ever."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What `erase` has done and found."""

    through: datetime
    """Events up to this time are stored without the person from now on."""
    events: int
    letters: int
    kept: Sequence[KeptRecords]
    waiting: int
    """Records that no process has ingested yet."""


def erase(settings: Settings, uid: str, *, known_after_s: float = KNOWN_AFTER_S) -> Erased:
    """Erase the person with this uid or pseudonym; rows stay, without what identifies people. May be repeated.

    StoreUnavailable if a process of ingest doesn't commit what it read before: then the erasure is stored, and must be
    repeated to be complete. UserError if jobs are found in the fields that it deletes.
    """
    if not settings.job_rules.is_default:
        raise UserError(
            f"nobody is erased while RECRUIT_ATTRIBUTION is {settings.attribution}: an erasure deletes `ed` and `dl`, "
            "in which its rules find jobs, and the report would lose these events"
        )
    with open_session(settings) as session:
        person = find_person(session, settings, uid)
        known_at_ms = session.now_ms() + round(known_after_s * 1000)
        # the time of an event that Kafka has received by then
        through_ms = known_at_ms + FUTURE_ALLOWANCE_S * 1000
        store_erasures(session, person.erasures(read_erasures(session), through_ms=through_ms))
        erased = _delete(session, person, settings, through_ms=through_ms)
        time.sleep(max(0, known_at_ms - session.now_ms()) / 1000)
        waiting = _wait_until_committed(settings)
        erased += _delete(session, person, settings, through_ms=through_ms)
        if left := len(_stored(session, person, through_ms=through_ms)):
            raise StoreUnavailable(f"{left} events of the person were written meanwhile. Run `privacy erase` again")
    letters = rewrite_dead_letters(settings, lambda letter: _without(person, letter))
    kept = _kept(settings, kafka_records(settings, person, {one.received_at_ms for one in erased}))
    return Erased(from_ms(through_ms), len(erased), letters, kept, waiting)


def _delete(session: CassandraSession, person: Person, settings: Settings, *, through_ms: int) -> list[StoredEvent]:
    found = _stored(session, person, through_ms=through_ms)
    # before too: if this process ends here, the next one finds none of these events
    _reopen(session, settings, found)
    delete_columns(session, found, person.privacy.personal_columns, through_ms=through_ms)
    forget_journeys(session, found)
    _reopen(session, settings, found)
    return found


def _reopen(session: CassandraSession, settings: Settings, events: Sequence[StoredEvent]) -> None:
    """Have the events' hours, and those that depend on them, made again in tables that tell people apart."""
    downstream = [one for one in downstream_of(settings) if one.table in JUDGED_TABLES]
    if not events or not downstream:
        return
    with open_report_database(settings) as database:
        for one in downstream:
            following = [number * HOUR for number in range(one.hours_before + 1)]
            hours = {aware(event.event_hour) + later for event in events for later in following}
            reopen_hours(database, one.table, hours, from_ms(session.now_ms()))


def _stored(session: CassandraSession, person: Person, *, through_ms: int) -> list[StoredEvent]:
    return [one for one in keys_of(session, person.uids) if one.event_time_ms <= through_ms]


def _without(person: Person, letter: DeadLetter) -> DeadLetter | None:
    return without_people(letter, person.privacy) if person.owns(letter.key, letter.value) else None


def _wait_until_committed(settings: Settings) -> int:
    """Return when ingest has committed what the topic holds now, or doesn't run; the number of records that wait."""
    with open_admin(settings) as admin:
        # records of open transactions haven't been read by anybody
        targets = {span.partition: span.readable_end for span in partition_spans(admin, settings)}
        deadline = time.monotonic() + COMMITTED_AFTER_S
        while waiting := remaining(targets, partition_spans(admin, settings)):
            if not group_members(admin, settings):
                break
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"Kafka group {settings.kafka_group} hasn't committed {sum(waiting.values())} records within "
                    f"{COMMITTED_AFTER_S} s, which it may still store with the person. Once it has, run `privacy "
                    "erase` again"
                )
            time.sleep(POLL_S)
    return sum(waiting.values())


def _kept(settings: Settings, records: Iterable[Record]) -> list[KeptRecords]:
    by_partition: dict[int, list[Record]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    with open_admin(settings) as admin:
        retention_ms = int(topic_options(admin, settings.kafka_topic)["retention.ms"])
    return [
        KeptRecords(
            f"{settings.kafka_topic}/{partition}",
            len(found),
            found[0].offset,
            found[-1].offset,
            _end(found[-1].timestamp, retention_ms),
        )
        for partition, found in sorted(by_partition.items())
    ]


def _end(received_at_ms: int, retention_ms: int) -> datetime | None:
    try:
        return from_ms(received_at_ms + retention_ms) if retention_ms >= 0 else None
    except OverflowError:  # after the year 9999
        return None
