"""What the change feed's sensor reports about raw_events, and how often."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.defs.sensors.arrivals import arrivals
from recruit_assets.hours.change_feed import FeedState
from recruit_assets.hours.planning import PendingHour

RAW_EVENTS = dg.AssetKey("raw_events")


def a_state(*newest_changes: datetime) -> FeedState:
    now = datetime.now(UTC)
    hours = tuple(PendingHour(one.replace(minute=0, second=0), one, next_try_at=now) for one in newest_changes)
    return FeedState(now=now, checkpoint=now, changes_read=1, pending=hours)


def test_the_first_change_is_reported_and_the_next_ten_minutes_later() -> None:
    now = datetime.now(UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        assert arrivals(a_state(), instance) == []
        (first,) = arrivals(a_state(now - timedelta(hours=1), now), instance)
        instance.report_runless_asset_event(first)

        assert arrivals(a_state(now + timedelta(minutes=9)), instance) == []
        assert len(arrivals(a_state(now + timedelta(minutes=11)), instance)) == 1

    assert first.metadata == {
        "newest_change": dg.MetadataValue.timestamp(now),
        "hours_pending": dg.MetadataValue.int(2),
    }


def test_the_data_version_of_the_last_run_is_kept() -> None:
    """With another one, every hour derived from raw_events would be shown as stale."""

    @dg.asset(code_version="1")
    def raw_events() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([raw_events], instance=instance)
        (reported,) = arrivals(a_state(datetime.now(UTC) + timedelta(minutes=11)), instance)
        before = instance.get_latest_materialization_event(RAW_EVENTS)
        instance.report_runless_asset_event(reported)
        after = instance.get_latest_materialization_event(RAW_EVENTS)

    versions = [
        (event.asset_materialization.tags or {})["dagster/data_version"]
        for event in (before, after)
        if event and event.asset_materialization
    ]
    assert len(versions) == 2
    assert versions[0] == versions[1]
