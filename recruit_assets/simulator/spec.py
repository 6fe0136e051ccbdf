"""The options of a simulation, with defaults and limits. The same options give the same bytes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import TypedDict

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, as_utc

WINDOW = timedelta(hours=24)
"""The default length of the time window."""
MAX_JOBS = 100_000
"""Preparing a job's fragments takes 20 KB of memory and 0.2 ms."""
MAX_CHUNK = 500
"""Records generated at once: small enough for a smooth rate and a prompt stop."""
CHUNKS_PER_S = 4
"""At low rates. Each chunk is a request to Kafka and a flush of its log: 20 of them took a tenth of a processor."""

NOT_SIMULATED = frozenset(
    {DeadLetterReason.REJECTED_BY_STORE, DeadLetterReason.TOO_LATE, DeadLetterReason.INTERNAL_ERROR}
)
SIMULATED_REASONS = tuple(reason for reason in DeadLetterReason if reason not in NOT_SIMULATED)
"""Reasons that a record can cause; the others are up to Cassandra, to time, or to a bug."""
NOT_IN_LINES = frozenset({DeadLetterReason.EMPTY, DeadLetterReason.TOMBSTONE, DeadLetterReason.NOT_UTF8})
"""These can't be lines of a text file."""
UNUSUAL = ("repeat", "robot", "internal", "ended")
"""Shares of what makes clicks invalid."""
TOO_LARGE_WEIGHT = 0.2
"""Relative to the other reasons; otherwise too large records would be most of the bytes."""


class DayShape(StrEnum):
    """How events spread over the hours of a day."""

    FLAT = "flat"
    OFFICE = "office"
    EVENING = "evening"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSpec:
    """What to send; UserError for invalid values.

    `events` is the number of records, duplicates and malformed ones included; 0 means no limit. Shares of duplicates
    and malformed records relate to all records, those of late and uncountable events to the distinct valid events.
    """

    events: int = 20_000
    seed: int = 1
    start: datetime | None = None
    end: datetime | None = None
    live: bool = False
    rate: float = 0.0
    jobs: int = 200
    publishers: int = 12
    campaigns: int = 30
    groups: int = 8
    skew: float = 1.1
    day_shape: DayShape = DayShape.OFFICE
    late_share: float = 0.02
    late_hours: float = 48.0
    duplicate_share: float = 0.02
    malformed_share: float = 0.01
    reason_shares: tuple[tuple[DeadLetterReason, float], ...] = ()
    uncountable_share: float = 0.7
    event_data_share: float = field(default=0.0, repr=False)
    """Of the events with a countable action: those whose job is only in `ed`."""
    further_share: float = field(default=0.0, repr=False)
    """Of the events without a countable action: those with one of these instead."""
    further_actions: tuple[str, ...] = field(default=(), repr=False)
    repeat_share: float = field(default=0.0, repr=False)
    """Of the clicks: those of a person who has just clicked on the same job."""
    robot_share: float = field(default=0.0, repr=False)
    """Of the clicks: those of robots."""
    internal_share: float = field(default=0.0, repr=False)
    """Of the events with a countable action: clicks on developers' machines."""
    ended_share: float = field(default=0.0, repr=False)
    """Of the jobs: those whose last day is before the simulation's last one."""
    journey_share: float = field(default=0.0, repr=False)
    """Of the applications (conversion, qualified, unqualified): those of the person who clicked on the job last."""
    lines_only: bool = False
    first_hour: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    max_event_bytes: int = 512 * 1024

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_shares()
        self._check_times()

    def resolved(self, now: datetime) -> "SimulationSpec":
        """The spec with start and end of the event times set, unless it is live; UserError for an end in the future."""
        if self.live:
            return self
        end = as_utc(self.end or now)
        _check(end <= as_utc(now), f"--end {_text(end)} is in the future: events from there would be dead letters")
        return replace(self, start=as_utc(self.start or max(end - WINDOW, as_utc(self.first_hour))), end=end)

    @property
    def chunk_size(self) -> int:
        """Records generated at once."""
        return MAX_CHUNK if not self.rate else min(MAX_CHUNK, max(1, int(self.rate / CHUNKS_PER_S)))

    @property
    def fingerprint(self) -> int:
        """48 bits that depend on every option, so that two different simulations share no event.

        A newer option counts only if it is used: the bytes of older simulations stay the same.
        """
        names = (
            "event_data_share",
            "further_share",
            "further_actions",
            "journey_share",
            *(f"{name}_share" for name in UNUSUAL),
        )
        newer = {name: getattr(self, name) for name in names}
        used = "".join(f" {name}={value}" for name, value in newer.items() if value)
        return int.from_bytes(blake2b(f"{self!r}{used}".encode(), digest_size=6).digest())

    @property
    def reason_weights(self) -> dict[DeadLetterReason, float]:
        """The share of all records for each reason, without reasons of share 0."""
        named = dict(self.reason_shares)
        others = {
            reason: TOO_LARGE_WEIGHT if reason is DeadLetterReason.TOO_LARGE else 1.0
            for reason in SIMULATED_REASONS
            if reason not in named and not (self.lines_only and reason in NOT_IN_LINES)
        }
        each = self.malformed_share / sum(others.values()) if others else 0.0
        shares = named | {reason: weight * each for reason, weight in others.items()}
        return {reason: share for reason, share in shares.items() if share}

    def _check_numbers(self) -> None:
        _check(self.events >= 0, f"--events must be 0 (no limit) or more, not {self.events}")
        _check(self.rate >= 0, f"--rate must be 0 (as fast as possible) or more, not {self.rate:g}")
        _check(1 <= self.jobs <= MAX_JOBS, f"--jobs must be 1 to {MAX_JOBS}, not {self.jobs}")
        for name in ("publishers", "campaigns", "groups"):
            value = getattr(self, name)
            _check(1 <= value <= MAX_JOBS, f"--{name} must be 1 to {MAX_JOBS}, not {value}")
        _check(0 <= self.skew <= 10, f"--skew must be 0 (all jobs equal) to 10, not {self.skew:g}")
        _check(self.late_hours >= 1, f"--late-hours must be 1 or more, not {self.late_hours:g}")

    def _check_shares(self) -> None:
        for name in ("late", "duplicate", "malformed", "uncountable", "event_data", "further", "journey", *UNUSUAL):
            share = getattr(self, f"{name}_share")
            _check(0 <= share <= 1, f"--{name.replace('_', '-')}-share must be 0 to 1, not {share:g}")
        _check(
            not self.further_share or bool(self.further_actions),
            "--further-share needs RECRUIT_FUNNEL_ACTIONS",
        )
        for reason, share in self.reason_shares:
            possible = [r for r in SIMULATED_REASONS if not (self.lines_only and r in NOT_IN_LINES)]
            _check(reason in possible, f"--malformed {reason} isn't possible here; possible: {', '.join(possible)}")
            _check(0 <= share <= 1, f"--malformed {reason} must be 0 to 1, not {share:g}")
        together = self.duplicate_share + sum(self.reason_weights.values())
        _check(together <= 1 + 1e-9, f"the duplicate and malformed shares may add up to at most 1, not {together:g}")

    def _check_times(self) -> None:
        if self.live:
            _check(self.rate > 0, "--live needs a --rate: event times are the times of sending")
            _check(self.start is None and self.end is None, "--live can't be used with --start or --end")
            return
        _check(self.events > 0, "--events 0 (no limit) needs --live and --rate")
        first = as_utc(self.first_hour)
        start = as_utc(self.start or first)
        end = as_utc(self.end) if self.end else None
        _check(start >= first, f"--start {_text(start)} is before RECRUIT_FIRST_HOUR {_text(first)}")
        _check(end is None or start < end, f"--end {_text(end or start)} isn't after the first event {_text(start)}")


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise UserError(message)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class SharesBeside(TypedDict):
    """Options of a simulation that matter to the tables beside the report."""

    further_share: float
    repeat_share: float
    robot_share: float
    internal_share: float
    ended_share: float
    journey_share: float


def shares_beside(settings: Settings) -> SharesBeside:
    """Shares that give each table beside the report something to count, if the settings switch it on."""
    judged = settings.has_click_quality
    return SharesBeside(
        further_share=0.05 if settings.funnel_action_list else 0.0,
        repeat_share=0.06 if judged else 0.0,
        robot_share=0.03 if judged else 0.0,
        internal_share=0.01 if judged else 0.0,
        ended_share=0.05 if judged else 0.0,
        journey_share=0.6 if settings.attribution_days else 0.0,
    )
