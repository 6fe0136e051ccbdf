"""The verdict on each click, as the ledger finds it.

Written a second time on purpose, so that a mistake in the pipeline's rules shows up as a difference. Times, people and
pages are read from the records as they were sent.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from crawleruseragents import is_crawler

from recruit_assets.simulator.job_rules import Ids

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
UUID_EPOCH_TICKS = 0x01B21DD213814000
TICKS_PER_MS = 10_000

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ClickSettings:
    """RECRUIT_CLICK_WINDOW_S, RECRUIT_INTERNAL_HOSTS and RECRUIT_REPORT_TIMEZONE."""

    window_s: int
    internal_hosts: str
    timezone: str


class SentClick(NamedTuple):
    """A click; in the order of the times, then of create_time."""

    at: datetime
    create_time: str
    ids: Ids
    bid: int
    ua: str | None
    dl: str | None


class SentClicks:
    """All clicks by person and job. Memory grows with their number."""

    def __init__(self, settings: ClickSettings, end_dates: Mapping[int, date]) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._hosts = [host.strip().lower() for host in settings.internal_hosts.split(",")]
        self._end_dates = end_dates
        self._by_person: defaultdict[tuple[str | None, int], list[SentClick]] = defaultdict(list)

    def add(self, value: bytes, ids: Ids, bid: int) -> None:
        """Take the record of a click."""
        fields = orjson.loads(value)
        one = SentClick(time_of(fields), fields["create_time"], ids, bid, fields.get("ua"), fields.get("dl"))
        self._by_person[fields.get("uid"), ids[0]].append(one)

    def rows(self) -> list[Row]:
        """The expected rows: hour, ids, verdict, clicks, spend."""
        counts: Counter[Row] = Counter()
        spent: Counter[Row] = Counter()
        for click, verdict in self._verdicts():
            key = (f"{click.at:%Y-%m-%d %H}:00:00", *click.ids, verdict)
            counts[key] += 1
            spent[key] += click.bid
        return [(*key, counts[key], float(spent[key])) for key in sorted(counts, key=str)]

    def valid(self) -> set[tuple[datetime, str]]:
        """Time and create_time of the valid clicks."""
        return {(click.at, click.create_time) for click, verdict in self._verdicts() if verdict == "valid"}

    def _verdicts(self) -> Iterator[tuple[SentClick, str]]:
        for (uid, _), clicks in self._by_person.items():
            repeated = self._repeated(clicks) if uid else set()
            for click in clicks:
                yield click, "duplicate" if click in repeated else self._alone(click)

    def _repeated(self, clicks: list[SentClick]) -> set[SentClick]:
        window = timedelta(seconds=self._settings.window_s)
        return {then for first, then in pairwise(sorted(clicks)) if then.at - first.at < window}

    def _alone(self, click: SentClick) -> str:
        if is_robot(click.ua or ""):
            return "robot"
        if self._is_internal(urlsplit(click.dl or "").hostname or ""):
            return "internal"
        last = self._end_dates.get(click.ids[0])
        return "valid" if last is None or click.at.astimezone(self._zone).date() <= last else "expired"

    def _is_internal(self, host: str) -> bool:
        host = host.removesuffix(".")
        try:
            address = ip_address(host)
        except ValueError:
            return any(fnmatchcase(host, known) for known in self._hosts)
        return any(address in ip_network(known) for known in self._hosts if known[0].isdigit() or ":" in known)


@cache
def is_robot(ua: str) -> bool:
    """By the package's own code; it takes a millisecond for each user agent."""
    return bool(is_crawler(ua))


def time_of(fields: Mapping[str, str | None]) -> datetime:
    """The event's time in whole milliseconds."""
    ts = fields.get("ts")
    if ts is None:
        return EPOCH + (UUID(fields["create_time"]).time - UUID_EPOCH_TICKS) // TICKS_PER_MS * MS
    found = datetime.fromisoformat(ts)
    return EPOCH + (found.replace(tzinfo=found.tzinfo or UTC) - EPOCH) // MS * MS
