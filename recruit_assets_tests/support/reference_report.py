"""The report recomputed from the records in the simplest way: everything is parsed and kept in memory.

Shares no code with the simulator's ledger nor with the pipeline, so that it can disagree with both.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

COUNTED_AS = {
    "click": "clicks",
    "clicks": "clicks",
    "conversion": "conversion",
    "qualified": "qualified",
    "unqualified": "unqualified",
}

Event = dict[str, object]


def event_time(event: Event) -> datetime:
    """The event's ts, or the time inside its create_time."""
    if isinstance(ts := event.get("ts"), str):
        moment = datetime.fromisoformat(ts)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return create_time(event)


def create_time(event: Event) -> datetime:
    """The time inside the event's version-1 UUID, to the microsecond."""
    return datetime(1582, 10, 15, tzinfo=UTC) + timedelta(microseconds=UUID(str(event["create_time"])).time // 10)


def as_number(value: object) -> int:
    """1, 1.0, "1" and "1.0" are 1; nothing is 0."""
    return 0 if value is None else int(Decimal(str(value)))


def distinct_events(values: Iterable[bytes | None]) -> list[Event]:
    """Each event once, by create_time and event time. All values must be valid."""
    events = [json.loads(value) for value in values if value is not None]
    return list({(event["create_time"], event_time(event)): event for event in events}.values())


def recount(events: Iterable[Event], company_ids: dict[int, int | None]) -> list[tuple[object, ...]]:
    """The report rows by dates, hours, job, publisher, campaign and group, without latest_update_time."""
    bids: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    counts: defaultdict[tuple[object, ...], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for event in events:
        action = COUNTED_AS.get(str(event.get("custom_track")))
        if action is None or event.get("job_id") is None:
            continue
        moment = event_time(event)
        ids = [as_number(event.get(name)) for name in ("job_id", "publisher_id", "campaign_id", "group_id")]
        grain = (f"{moment:%Y-%m-%d} 00:00:00", moment.hour, *ids)
        counts[grain][action] += 1
        if action == "clicks":
            bids[grain].append(as_number(event.get("bid")))
    return [_row(grain, counts[grain], bids[grain], company_ids=company_ids) for grain in sorted(counts)]


def _row(
    grain: tuple[object, ...], counts: dict[str, int], bids: list[int], *, company_ids: dict[int, int | None]
) -> tuple[object, ...]:
    dates, hours, job_id, publisher_id, campaign_id, group_id = grain
    mean = Decimal(sum(bids)) / len(bids) if bids else Decimal(0)
    return (
        job_id,
        dates,
        hours,
        counts["unqualified"],
        counts["qualified"],
        counts["conversion"],
        company_ids.get(int(str(job_id))),
        group_id,
        campaign_id,
        publisher_id,
        float(mean.quantize(Decimal("0.01"), ROUND_HALF_UP)),
        len(bids),
        None,
        float(sum(bids)),
        "Cassandra",
    )


def recount_days(
    events: Iterable[Event], zone: ZoneInfo, company_ids: dict[int, int | None]
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The rows of daily_job_metrics and daily_company_metrics, without latest_update_time."""
    by_job: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 5)
    for event in events:
        action = COUNTED_AS.get(str(event.get("custom_track")))
        if action is None or event.get("job_id") is None:
            continue
        one = by_job[str(event_time(event).astimezone(zone).date()), as_number(event["job_id"])]
        one[("clicks", "conversion", "qualified", "unqualified").index(action)] += 1
        one[4] += as_number(event.get("bid")) if action == "clicks" else 0
    by_company: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 5)
    for (day, job), numbers in by_job.items():
        key = (day, company_ids.get(job) or 0)
        by_company[key] = [one + other for one, other in zip(by_company[key], numbers, strict=True)]
    return (
        [(day, job, company_ids.get(job), *_with_ratios(by_job[day, job])) for day, job in sorted(by_job)],
        [(*key, *_with_ratios(by_company[key])) for key in sorted(by_company)],
    )


def _with_ratios(numbers: list[int]) -> tuple[object, ...]:
    clicks, applications, qualified, _, spend = numbers
    pairs = (
        (spend, clicks),
        (spend, applications),
        (spend, qualified),
        (applications, clicks),
        (qualified, applications),
    )
    return (*numbers[:4], float(spend), *(of / by if by else None for of, by in pairs))
