"""A report is current only if nothing waits in Kafka or Cassandra, and it says why it isn't."""

from datetime import timedelta

import pytest

from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.freshness import Freshness
from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets.stores.mysql.report_state import ReportState
from recruit_assets_tests.support.lags import NOW, a_lag

COVERED = ReportState(NOW, read_through=NOW)


def pending_since(seconds: float) -> ReportState:
    newest = NOW - timedelta(seconds=seconds)
    return ReportState(NOW, (PendingHour(NOW, newest, NOW),), read_through=NOW, newest_event=newest)


@pytest.mark.parametrize(
    ("report", "lag", "behind_s", "is_current"),
    [
        pytest.param(COVERED, a_lag(), 0, True, id="nothing waits"),
        pytest.param(COVERED, a_lag(age_s=0.7), 0.7, True, id="a live stream"),
        pytest.param(pending_since(40), a_lag(age_s=0.7), 40, True, id="a live stream at the turn of an hour"),
        pytest.param(COVERED, a_lag(age_s=11), 11, False, id="records wait"),
        pytest.param(pending_since(61), a_lag(), 61, False, id="changes wait"),
        pytest.param(pending_since(61), a_lag(age_s=7200), 7200, False, id="records wait longer than changes"),
        pytest.param(COVERED, None, 0, False, id="Kafka can't be read"),
        pytest.param(COVERED, a_lag(records=3), 0, True, id="only transaction markers wait"),
    ],
)
def test_freshness_counts_what_waits_in_kafka_and_in_cassandra(
    report: ReportState, lag: IngestLag | None, behind_s: float, *, is_current: bool
) -> None:
    freshness = Freshness(report, lag, "nobody listens")

    assert (freshness.behind_s, freshness.is_current) == (behind_s, is_current)
    assert bool(freshness.reasons) != is_current


def test_the_reasons_are_named() -> None:
    assert Freshness(pending_since(90), a_lag(age_s=7200, members=0)).reasons == [
        "ingest hasn't stored 7 records of Kafka, the first since 2026-01-05 22:00:00 UTC; no process is in its "
        "consumer group",
        "newer events are stored but not in the report yet",
    ]
    unread = ReportState(NOW, read_through=NOW - timedelta(hours=1))
    assert Freshness(unread, a_lag()).reasons == ["changes since 2026-01-05 23:00:00 UTC weren't looked at"]
    assert Freshness(COVERED, a_lag(age_s=60, members=2)).reasons[0].endswith("; 2 processes are in its consumer group")
    assert Freshness(COVERED, None, "nobody listens").reasons == [
        "Kafka can't be read and may hold newer events (nobody listens)"
    ]


def test_a_record_of_a_broker_whose_clock_is_ahead_has_waited_for_no_time() -> None:
    assert a_lag(age_s=-5).age_s == 0
