"""Records of the event topic are sorted as ingest sorts them, and each is counted once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from recruit_assets.contract.attribution import attribution
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason, Origin
from recruit_assets.contract.privacy import PrivacyMode
from recruit_assets.observability.audit import kafka_records
from recruit_assets.observability.audit.audit_db import AuditDatabase, open_audit_database
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.kafka_records import (
    EXTERNAL_REASONS,
    RecordCounts,
    RecordReader,
    take_dead_letters,
)
from recruit_assets.observability.audit.results import no_progress
from recruit_assets.stores.kafka.clients import Headers
from recruit_assets.stores.kafka.dead_letter_topic import headers_of
from recruit_assets.transforms.buckets import Layout, Layouts
from recruit_assets.transforms.erasure import ErasedPeople
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import ARecord as OldRecord
from recruit_assets_tests.support.old_letters import old_letter, old_replay_headers

RECEIVED_MS = round(datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp() * 1000)
FIRST_HOUR_MS = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


@dataclass
class ARecord:
    offset: int
    value: bytes | None
    timestamp: int = RECEIVED_MS
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    topic: str = "t"
    partition: int = 0
    key: bytes | None = None


@pytest.fixture
def audit_db() -> Iterator[AuditDatabase]:
    with open_audit_database() as opened:
        yield opened


def take(
    audit_db: AuditDatabase, *records: ARecord, jobs: JobFinder = OWN_JOBS, privacy: Privacy = KEEP_PEOPLE
) -> RecordCounts:
    limits = Limits(max_bytes=10_000, first_hour_ms=FIRST_HOUR_MS)
    reader = RecordReader(
        audit_db,
        layouts=Layouts([(0, Layout(12, 4))]),
        limits=limits,
        digest=EventDigest(),
        erased=ErasedPeople(KEEP_PEOPLE),
        jobs=jobs,
        privacy=privacy,
    )
    return reader.take([(0, records)], total=len(records), progress=no_progress)


def a_dead_letter(origin: Origin, reason: DeadLetterReason = DeadLetterReason.NOT_JSON) -> DeadLetter:
    return DeadLetter(origin, reason, "why", "an.Error", key=None, value=b"{", headers=())


def test_records_are_events_or_rejected(audit_db: AuditDatabase) -> None:
    counts = take(audit_db, ARecord(0, as_bytes(an_event())), ARecord(1, b"{"), ARecord(3, None))

    assert (counts.records, counts.valid, counts.rejected) == (3, 1, 2)
    assert list(audit_db.rows("SELECT * FROM rejected")) == [
        (0, 1, RECEIVED_MS, "not_json"),
        (0, 3, RECEIVED_MS, "tombstone"),
    ]


def test_a_duplicate_is_one_event_with_the_later_time(audit_db: AuditDatabase) -> None:
    event = as_bytes(an_event())
    respelled = as_bytes(an_event(bid="10.0", job_id=1.0, bn=None))
    take(audit_db, ARecord(0, event), ARecord(1, respelled, timestamp=RECEIVED_MS + 7), ARecord(2, event))

    assert list(audit_db.rows("SELECT records, received_at_ms, kafka_offset FROM events")) == [(3, RECEIVED_MS + 7, 0)]


@pytest.mark.parametrize(
    "other",
    [an_event(bid=11), an_event(bn="x"), an_event(unknown=1), an_event(custom_track="clicks")],
    ids=["a number", "a text", "an unknown field", "another spelling of the action"],
)
def test_different_content_is_another_row_of_the_same_event(audit_db: AuditDatabase, other: dict[str, object]) -> None:
    take(audit_db, ARecord(0, as_bytes(an_event())), ARecord(1, as_bytes(other)))
    assert audit_db.number("SELECT count(*) FROM events") == 2


def test_the_order_of_unknown_fields_does_not_matter(audit_db: AuditDatabase) -> None:
    take(audit_db, ARecord(0, as_bytes(an_event(x=1, y=[2]))), ARecord(1, as_bytes(an_event(y=[2], x=1))))
    assert audit_db.number("SELECT count(*) FROM events") == 1


def test_countable_and_unattributed_events_are_marked(audit_db: AuditDatabase) -> None:
    events = [an_event(seed=1), an_event(seed=2, job_id=...), an_event(seed=3, custom_track="pageview")]
    take(audit_db, *(ARecord(offset, as_bytes(event)) for offset, event in enumerate(events)))

    marks = audit_db.rows("SELECT countable, unattributed FROM events ORDER BY kafka_offset")
    assert list(marks) == [(1, 0), (0, 1), (0, 0)]


def test_events_are_marked_with_the_rule_that_finds_their_job_in_what_is_stored(audit_db: AuditDatabase) -> None:
    found = {"job_id": None, "ed": '{"jobId":5}', "dl": "https://jobs.example/?job=6"}
    events = [
        an_event(seed=1),
        an_event(seed=2) | found,
        an_event(seed=3) | found | {"ed": "no JSON"},
        an_event(seed=4) | found | {"custom_track": "pageview"},
    ]
    jobs = JobFinder(attribution(["job_id", "ed.jobId", "dl"], "job=(?<job_id>[0-9]+)"))
    pseudonymise = Privacy(PrivacyMode.PSEUDONYMISE, b"a key of the tests")

    take(audit_db, *(ARecord(n, as_bytes(one)) for n, one in enumerate(events)), jobs=jobs, privacy=pseudonymise)

    # with RECRUIT_PRIVACY=pseudonymise a URL is stored without its query
    marks = audit_db.rows("SELECT countable, unattributed FROM events ORDER BY kafka_offset")
    assert list(marks) == [(1, 0), (2, 0), (0, 1), (0, 0)]


@pytest.mark.parametrize("reason", sorted(EXTERNAL_REASONS))
def test_a_dead_letter_is_trusted_if_its_reason_is_not_in_the_record(
    audit_db: AuditDatabase, reason: DeadLetterReason
) -> None:
    audit_db.add_dead_letters([(0, 5, RECEIVED_MS, reason.value), (0, 6, RECEIVED_MS - 1, reason.value)])
    counts = take(audit_db, ARecord(5, as_bytes(an_event())), ARecord(6, as_bytes(an_event(seed=2))))
    # the second is of the record at the same place of the topic before it was made anew
    assert (counts.rejected, list(audit_db.rows("SELECT * FROM rejected"))) == (1, [(0, 5, RECEIVED_MS, reason.value)])


def test_a_record_that_ingest_and_audit_fail_at_is_its_dead_letter(
    audit_db: AuditDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(kafka_records, "read_event", fail)
    audit_db.add_dead_letters([(0, 5, RECEIVED_MS, "internal_error")])

    assert take(audit_db, ARecord(5, as_bytes(an_event()))).rejected == 1
    with pytest.raises(ZeroDivisionError):
        take(audit_db, ARecord(6, as_bytes(an_event())))


def test_another_dead_letter_of_a_valid_record_is_not_trusted(audit_db: AuditDatabase) -> None:
    audit_db.add_dead_letters([(0, 5, RECEIVED_MS, "not_json")])
    assert take(audit_db, ARecord(5, as_bytes(an_event()))).rejected == 0


def test_a_rejected_record_counts_at_its_own_place_whatever_its_headers_say(audit_db: AuditDatabase) -> None:
    """They may be of another topic's dead letters, or forged."""
    forged = headers_of(a_dead_letter(Origin("t", 3, 9, RECEIVED_MS)))
    absurd: Headers = [("__connect.errors.offset", None), ("__connect.errors.topic", b"\xff" * 5_000)]
    counts = take(audit_db, ARecord(40, b"{", headers=forged), ARecord(41, b"{", headers=absurd))

    assert (counts.rejected, counts.replayed) == (2, 0)
    assert list(audit_db.rows("SELECT kafka_partition, kafka_offset FROM rejected")) == [(0, 40), (0, 41)]


def test_replays_are_records_that_the_table_names_or_with_the_headers_of_old_ones(audit_db: AuditDatabase) -> None:
    audit_db.add_replays([(0, 5, RECEIVED_MS), (0, 6, RECEIVED_MS - 1), (1, 7, RECEIVED_MS)])
    old = old_replay_headers(Origin("t", 3, 9, RECEIVED_MS), attempts=1)
    records = [ARecord(offset, as_bytes(an_event(seed=offset))) for offset in (5, 6, 7)]

    assert take(audit_db, *records, ARecord(40, b"{", headers=old)).replayed == 2


def test_dead_letters_count_once_and_foreign_records_are_named(audit_db: AuditDatabase) -> None:
    ours = a_dead_letter(Origin("t", 0, 5, RECEIVED_MS))
    foreign = a_dead_letter(Origin("elsewhere", 0, 6, RECEIVED_MS))
    letters = [
        ARecord(n, letter.value, headers=headers_of(letter), topic="t.dlq")
        for n, letter in enumerate((ours, ours, foreign))
    ]
    nothing = ARecord(9, b"?", topic="t.dlq")

    foreign_records = take_dead_letters(audit_db, [(0, [*letters, nothing])], progress=no_progress)

    assert list(audit_db.rows("SELECT * FROM dead_letters")) == [(0, 5, RECEIVED_MS, "not_json")]
    assert (foreign_records.count, foreign_records.examples) == (
        2,
        ("t.dlq/0/2: a dead letter of elsewhere/0/6", "t.dlq/0/9: no header __connect.errors.topic"),
    )


def test_an_old_dead_letter_of_a_replay_counts_at_the_replays_place(audit_db: AuditDatabase) -> None:
    replay = OldRecord(b"{", offset=40, topic="t", timestamp=RECEIVED_MS)
    letter = old_letter(replay, first=Origin("t", 0, 5, RECEIVED_MS), attempts=2)

    take_dead_letters(audit_db, [(0, [letter])], progress=no_progress)

    assert list(audit_db.rows("SELECT * FROM dead_letters")) == [(0, 40, RECEIVED_MS, "not_json")]
    assert list(audit_db.rows("SELECT * FROM replays")) == [(0, 40, RECEIVED_MS)]
