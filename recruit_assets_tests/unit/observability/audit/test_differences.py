"""Each kind of difference is found, counted and shown with its place."""

from collections.abc import Iterator
from math import inf
from typing import Any
from uuid import UUID

import pytest

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.observability.audit.audit_db import LATEST, LEDGER_COLUMNS, AuditDatabase, open_audit_database
from recruit_assets.observability.audit.differences import Differences, RowDifferences
from recruit_assets.observability.audit.results import NONE, Sample
from recruit_assets.stores.kafka.offsets import PartitionSpan

SEVEN_MS = 1_767_596_400_000
"""2026-01-05 07:00 UTC."""
BUCKET = 3
RECEIVED_MS = SEVEN_MS + 60_000
FIRST, SECOND = UUID("00000000-0000-1000-8000-000000000001"), UUID("00000000-0000-1000-8000-000000000002")
PLACE = f"raw_events hour 2026-01-05 07:00 bucket 3 create_time {FIRST}"


@pytest.fixture
def audit_db() -> Iterator[AuditDatabase]:
    with open_audit_database() as opened:
        yield opened


def differences(audit_db: AuditDatabase, compared_from_ms: float = -inf) -> Differences:
    return Differences(audit_db, topic="t", compared_from_ms=compared_from_ms)


def sent(
    audit_db: AuditDatabase,
    create_time: UUID = FIRST,
    *,
    offset: int = 0,
    at_ms: int = SEVEN_MS,
    content: bytes = b"a",
    received_at_ms: int = RECEIVED_MS,
) -> None:
    audit_db.add_events([(SEVEN_MS, BUCKET, create_time.bytes, at_ms, content, received_at_ms, True, False, 1, offset)])


def stored(
    audit_db: AuditDatabase,
    create_time: UUID = FIRST,
    *,
    bucket: int = BUCKET,
    content: bytes = b"a",
    received_at_ms: int | None = RECEIVED_MS,
) -> None:
    audit_db.add_stored([(SEVEN_MS, bucket, create_time.bytes, SEVEN_MS, content, received_at_ms)])


def test_an_event_and_its_row_have_no_difference(audit_db: AuditDatabase) -> None:
    sent(audit_db)
    stored(audit_db)

    found = differences(audit_db)
    assert [
        found.events_without_row(),
        found.rows_without_event(),
        found.rows_with_other_content(),
        found.rows_with_other_received_at(),
        found.conflicts(),
    ] == [NONE] * 5


def test_an_event_without_row_is_missing(audit_db: AuditDatabase) -> None:
    sent(audit_db, offset=4)
    assert differences(audit_db).events_without_row() == Sample(1, (f"missing: {PLACE}, sent as t/1/4",))


def test_a_row_without_event_is_unexpected(audit_db: AuditDatabase) -> None:
    stored(audit_db)
    assert differences(audit_db).rows_without_event() == Sample(
        1, (f"unexpected: {PLACE}, received 2026-01-05 07:01:00.000",)
    )


def test_a_row_without_received_at_is_unexpected_too(audit_db: AuditDatabase) -> None:
    stored(audit_db, received_at_ms=None)
    assert differences(audit_db, RECEIVED_MS).rows_without_event().count == 1


def test_rows_older_than_kafkas_records_are_not_compared(audit_db: AuditDatabase) -> None:
    stored(audit_db)
    stored(audit_db, SECOND, received_at_ms=RECEIVED_MS + 1)

    found = differences(audit_db, RECEIVED_MS + 1)
    assert (found.rows_without_event().count, found.rows_not_compared()) == (1, 1)


def test_a_row_in_the_wrong_bucket_is_missing_in_one_and_unexpected_in_the_other(
    audit_db: AuditDatabase,
) -> None:
    sent(audit_db)
    stored(audit_db, bucket=BUCKET + 1)

    found = differences(audit_db)
    assert (found.events_without_row().count, found.rows_without_event().count) == (1, 1)


def test_a_changed_row_has_other_content(audit_db: AuditDatabase) -> None:
    sent(audit_db, offset=4)
    stored(audit_db, content=b"b")
    assert differences(audit_db).rows_with_other_content() == Sample(1, (f"{PLACE} differs from its record t/1/4",))


def test_received_at_is_that_of_the_last_record(audit_db: AuditDatabase) -> None:
    sent(audit_db)
    sent(audit_db, offset=1, received_at_ms=RECEIVED_MS + 5)
    stored(audit_db)
    assert differences(audit_db).rows_with_other_received_at() == Sample(
        1, (f"{PLACE}: 2026-01-05 07:01:00.000, expected 2026-01-05 07:01:00.005",)
    )


def test_a_later_received_at_is_accepted_if_kafka_may_have_dropped_the_record(audit_db: AuditDatabase) -> None:
    sent(audit_db)
    stored(audit_db, received_at_ms=RECEIVED_MS + 5)

    assert differences(audit_db).rows_with_other_received_at().count == 1
    assert differences(audit_db, RECEIVED_MS + 6).rows_with_other_received_at() == NONE


def test_one_create_time_with_two_contents_is_a_conflict_but_not_a_wrong_row(audit_db: AuditDatabase) -> None:
    sent(audit_db, offset=4)
    sent(audit_db, offset=5, content=b"b")
    stored(audit_db, content=b"a mixture")

    found = differences(audit_db)
    assert found.conflicts() == Sample(1, (f"create_time {FIRST} has 1 event times and 2 contents, first in t/1/4",))
    assert found.rows_with_other_content() == NONE


def test_one_create_time_with_two_event_times_is_a_conflict_and_two_events(audit_db: AuditDatabase) -> None:
    sent(audit_db)
    sent(audit_db, offset=1, at_ms=SEVEN_MS + 1)
    stored(audit_db)

    found = differences(audit_db)
    assert (found.conflicts().count, found.events_without_row().count) == (1, 1)


def test_duplicates_are_no_conflict(audit_db: AuditDatabase) -> None:
    sent(audit_db)
    sent(audit_db, offset=1)
    assert differences(audit_db).conflicts() == NONE


def test_all_differences_are_counted_but_only_five_shown(audit_db: AuditDatabase) -> None:
    for number in range(8):
        sent(audit_db, UUID(int=FIRST.int + number), offset=number)

    missing = differences(audit_db).events_without_row()
    assert (missing.count, len(missing.examples)) == (8, 5)


def test_dead_letters_can_be_missing_unexpected_or_have_another_reason(audit_db: AuditDatabase) -> None:
    audit_db.add_rejected([(1, 0, 50, "empty"), (1, 1, 50, "empty"), (1, 2, 50, "empty")])
    audit_db.add_dead_letters(
        [
            (1, 0, 50, "empty"),
            (1, 0, 50, "not_json"),
            (1, 1, 50, "not_json"),
            (1, 7, 50, "not_json"),
            (2, 7, 50, "empty"),
        ]
    )
    found = differences(audit_db)

    assert found.rejected_without_dead_letter() == Sample(1, ("missing: t/1/2 (empty)",))
    assert found.dead_letters_with_other_reason() == Sample(1, ("t/1/1: reason not_json, expected empty",))
    assert unexpected(found, first=0, first_ms=50) == Sample(1, ("unexpected: t/1/7 (not_json)",))
    assert unexpected(found, first=8, first_ms=50) == NONE


def test_dead_letters_of_the_topic_before_it_was_made_anew_are_not_compared(audit_db: AuditDatabase) -> None:
    """It has other records at the same places: one without a dead letter isn't excused by the old one's."""
    audit_db.add_rejected([(1, 0, 60, "empty"), (1, 1, 60, "empty")])
    audit_db.add_dead_letters([(1, 0, 50, "empty"), (1, 1, 60, "empty"), (1, 1, 50, "not_json"), (1, 2, 50, "empty")])
    found = differences(audit_db)

    assert found.rejected_without_dead_letter() == Sample(1, ("missing: t/1/0 (empty)",))
    assert found.dead_letters_with_other_reason() == NONE
    assert unexpected(found, first=0, first_ms=60) == NONE


def unexpected(found: Differences, *, first: int, first_ms: int) -> Sample:
    """In partition 1, which holds the records from `first` to 8; the first one has that time."""
    return found.dead_letters_without_rejection(PartitionSpan(1, first, 9, committed=9), first_ms)


def a_report_row(**values: object) -> tuple[Any, ...]:
    row = {
        "job_id": 1, "dates": "2026-01-05 00:00:00", "hours": 7, "disqualified_application": 0,
        "qualified_application": 0, "conversion": 1, "company_id": 9, "group_id": 4, "campaign_id": 3,
        "publisher_id": 2, "bid_set": 10.0, "clicks": 2, "impressions": None, "spend_hour": 20.0,
        "sources": "Cassandra", LATEST: "2026-01-05 07:01:00.000",
    } | values  # fmt: skip
    return tuple(row[name] for name in MYSQL_REPORT.column_names)


def report_differences(audit_db: AuditDatabase, *reported: tuple[Any, ...]) -> RowDifferences:
    audit_db.add_metrics([(SEVEN_MS, 1, 2, 3, 4, 2, 1, 0, 0, 20, RECEIVED_MS)])
    audit_db.add_companies([(1, 9)])
    audit_db.recompute()
    audit_db.add_reported(reported)
    return differences(audit_db).report("recomputed", "reported", MYSQL_REPORT.column_names)


ROW = "2026-01-05 07:00, job_id 1, publisher_id 2, campaign_id 3, group_id 4"


def test_the_report_is_recomputed_from_the_metrics(audit_db: AuditDatabase) -> None:
    assert report_differences(audit_db, a_report_row()) == RowDifferences(NONE, NONE, NONE)


def test_missing_and_unexpected_report_rows_are_shown_by_their_key(audit_db: AuditDatabase) -> None:
    found = report_differences(audit_db, a_report_row(job_id=5))
    assert found == RowDifferences(
        Sample(1, (f"missing: {ROW}",)), Sample(1, (f"unexpected: {ROW.replace('job_id 1', 'job_id 5')}",)), NONE
    )


@pytest.mark.parametrize("column", [name for name in MYSQL_REPORT.column_names if name not in MYSQL_REPORT.primary_key])
def test_every_column_outside_the_key_is_compared(audit_db: AuditDatabase, column: str) -> None:
    wanted = dict(zip(MYSQL_REPORT.column_names, a_report_row(), strict=True))[column]

    found = report_differences(audit_db, a_report_row(**{column: 77}))

    assert found == RowDifferences(NONE, NONE, Sample(1, (f"{ROW}: {column} 77, expected {wanted}",)))


def test_an_hour_with_another_count_is_found(audit_db: AuditDatabase) -> None:
    report_differences(audit_db, a_report_row(clicks=5, conversion=0))
    assert differences(audit_db).hours("recomputed", "reported") == Sample(
        1, ("2026-01-05 07:00: 5 events, expected 3",)
    )


def test_the_ledger_is_compared_without_latest_update_time(audit_db: AuditDatabase) -> None:
    report_differences(audit_db, a_report_row())
    audit_db.add_ledger([a_report_row()[: len(LEDGER_COLUMNS)]])
    found = differences(audit_db).report("ledger", "reported", LEDGER_COLUMNS)
    assert found == RowDifferences(NONE, NONE, NONE)
