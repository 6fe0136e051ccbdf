"""The stream of records: chooses what happens and when, and assembles records from prepared fragments.

A record takes 4 microseconds, so the simulator is as fast as the Kafka client.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.types import Type
from recruit_assets.simulator.event_data import event_data_interactions
from recruit_assets.simulator.fragments import (
    Action,
    Interaction,
    Visitor,
    countable_interactions,
    uncountable_interactions,
    visitors,
)
from recruit_assets.simulator.further_actions import further_interactions
from recruit_assets.simulator.jobs import Job
from recruit_assets.simulator.malformed import ValidRecord, kinds_by_reason
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.simulator.times import HOUR_MS, TimeStyle, milliseconds, segments, time_styles
from recruit_assets.simulator.unusual_clicks import UnusualClicks, internal_interactions

GREGORIAN_MS = 12_219_292_800_000
"""From the epoch of UUIDs, 1582-10-15, to the Unix epoch."""
TICKS_PER_MS = 10_000
RANDOM_NODE = 1 << 40
"""The multicast bit: in RFC 9562, it marks a node number that isn't a network card's."""
RECENT = 1_000
OLDER = 1_000
"""Records that can be duplicated: the latest ones, and one of each earlier chunk."""
OLDER_SHARE = 0.4
RESPELLED_SHARE = 0.2
"""Of the duplicates: repeats of older records; repeats with the same content in other bytes."""

_SENT_KINDS = _VALID, _LATE, _DUPLICATE, _MALFORMED = range(4)
_INT_FIELDS = frozenset(column.name for column in EVENT_COLUMNS if column.type is Type.INT)
_EVENT_FIELDS = frozenset(column.name for column in EVENT_COLUMNS)


@dataclass(slots=True)
class Chunk:
    """Records in sending order, and what the ledger needs to know about them.

    `happened` has one (hour since the epoch, interaction) for each distinct valid event, `events` its record.
    """

    values: list[bytes | None] = field(default_factory=list)
    happened: list[tuple[int, Interaction]] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    rejected: list[DeadLetterReason] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0


class EventStream:
    """Generates the records of a resolved spec; the same spec and calls give the same bytes."""

    def __init__(self, spec: SimulationSpec, jobs: list[Job]) -> None:
        self._spec = spec
        self._rng = Random(f"{spec.seed}/{spec.fingerprint}")  # noqa: S311  # not a secret
        self._first_hour_ms = milliseconds(spec.first_hour)
        self._kind_weights = _kind_weights(spec)
        self._interactions, self._interaction_weights = _interactions(spec, jobs, self._rng)
        self._visitors = visitors(self._rng)
        self._unusual = UnusualClicks(spec, self._rng)
        self._time_styles, self._time_style_weights = time_styles()
        self._reasons = spec.reason_weights
        self._kinds = kinds_by_reason(lines_only=spec.lines_only)
        self._middles = _UuidMiddles()
        self._last_clicks: dict[int, Visitor] = {}
        self._chunks = 0
        self._recent: list[bytes] = []
        self._older: list[bytes] = []

    def chunks(self) -> Iterator[Chunk]:
        """All records of the spec's time window, in sending order."""
        for begin, end, records in segments(self._spec):
            for first in range(0, records, self._spec.chunk_size):
                last = min(first + self._spec.chunk_size, records)
                span = end - begin
                yield self.chunk(last - first, begin + span * first // records, begin + span * last // records)

    def chunk(self, size: int, from_ms: int, to_ms: int) -> Chunk:
        """`size` records; their event times spread over the span, except for late and malformed records."""
        rng, random, recent = self._rng, self._rng.random, self._recent
        origin = self._next_origin()
        step = (to_ms - from_ms) / size
        chunk = Chunk()
        # one choices() call per chunk is four times faster than one per event
        draws = zip(
            rng.choices(_SENT_KINDS, cum_weights=self._kind_weights, k=size),
            rng.choices(self._time_styles, cum_weights=self._time_style_weights, k=size),
            rng.choices(self._interactions, cum_weights=self._interaction_weights, k=size),
            rng.choices(self._visitors, k=size),
            strict=True,
        )
        for number, (kind, style, drawn, somebody) in enumerate(draws):
            if kind == _DUPLICATE and recent:
                chunk.values.append(self._duplicate())
                chunk.duplicates += 1
                continue
            moment_ms = from_ms + int((number + random()) * step)
            if kind == _LATE:
                moment_ms = self._earlier(moment_ms)
                chunk.late += 1
            is_click = drawn.action is Action.CLICK
            interaction, visitor = self._unusual.of(drawn, somebody) if is_click else (drawn, somebody)
            person = self._person_of(interaction, visitor) if self._spec.journey_share else visitor
            value = self._record(
                moment_ms,
                number,
                origin=origin,
                style=style,
                about=(interaction.members, person[interaction.has_event_data]),
            )
            if kind == _MALFORMED:
                reason, value_or_none = self._malformed(value)
                chunk.values.append(value_or_none)
                chunk.rejected.append(reason)
                continue
            recent.append(value)
            chunk.values.append(value)
            chunk.happened.append((moment_ms // HOUR_MS, interaction))
            chunk.events.append(value)
        self._keep_for_duplicates()
        return chunk

    def _record(
        self, moment_ms: int, number: int, *, origin: bytes, style: TimeStyle, about: tuple[bytes, bytes]
    ) -> bytes:
        """One record; `number` and `origin` make its create_time unique."""
        hour, in_hour_ms = divmod(moment_ms, HOUR_MS)
        second, ms = divmod(in_hour_ms, 1000)
        ticks = (moment_ms - style.lag_ms + GREGORIAN_MS) * TICKS_PER_MS + number
        return b'{"create_time":"%08x%b%b"%b%b%b%b,%b}' % (
            ticks & 0xFFFF_FFFF,
            self._middles[ticks >> 32],
            origin,
            style.hours[hour],
            style.seconds[second],
            style.fractions[ms],
            *about,
        )

    def _person_of(self, interaction: Interaction, visitor: Visitor) -> Visitor:
        """The visitor; of a share of the applications, the one who clicked on the job last."""
        job = interaction.job_id
        if interaction.action is None or job is None:
            return visitor
        if interaction.action is Action.CLICK:
            self._last_clicks[job] = visitor
        elif self._rng.random() < self._spec.journey_share:
            return self._last_clicks.get(job, visitor)
        return visitor

    def _next_origin(self) -> bytes:
        """Clock sequence and node, the last two groups of a UUID; unique for each chunk and spec."""
        node, clock_sequence = divmod(self._chunks, 1 << 14)
        self._chunks += 1
        node = (self._spec.fingerprint + node) % (1 << 48) | RANDOM_NODE
        return b"-%04x-%012x" % (clock_sequence | 0x8000, node)

    def _earlier(self, moment_ms: int) -> int:
        """An hour to `late_hours` earlier, shorter delays more often; never before the first hour."""
        lateness_ms = int(HOUR_MS * self._spec.late_hours ** self._rng.random())
        return max(moment_ms - lateness_ms, self._first_hour_ms)

    def _duplicate(self) -> bytes:
        """An earlier record: usually the same bytes, sometimes the same content in other bytes."""
        older = self._older and self._rng.random() < OLDER_SHARE
        value = self._rng.choice(self._older if older else self._recent)
        return respelled(value) if self._rng.random() < RESPELLED_SHARE else value

    def _malformed(self, value: bytes) -> tuple[DeadLetterReason, bytes | None]:
        """A malformed version of the record; the kinds of each reason alternate."""
        reason = self._rng.choices(list(self._reasons), list(self._reasons.values()))[0]
        kind = next(self._kinds[reason])
        return reason, kind.corrupt(ValidRecord(value, self._rng, self._spec.first_hour, self._spec.max_event_bytes))

    def _keep_for_duplicates(self) -> None:
        del self._recent[:-RECENT]
        if len(self._older) < OLDER:
            self._older += self._recent[-1:]
        elif self._recent:
            self._older[self._rng.randrange(OLDER)] = self._recent[-1]


def respelled(value: bytes) -> bytes:
    """The same event in other bytes: different whitespace and number formats, nulls left out."""
    fields = json.loads(value)
    spelled = {name: _respelled_number(name, item) for name, item in fields.items() if not _left_out(name, item)}
    return json.dumps(spelled, separators=(" , ", ": ")).encode()


def _respelled_number(name: str, item: object) -> object:
    """1, 1.0, "1" and "1.0" are equal in integer columns only."""
    if name not in _INT_FIELDS or item is None:
        return item
    return str(item) if isinstance(item, int | float) else int(float(str(item)))


def _left_out(name: str, item: object) -> bool:
    return item is None and name in _EVENT_FIELDS


class _UuidMiddles(dict[int, bytes]):
    """Second and third group of a version-1 UUID by the upper bits of its time, which change every 7 minutes."""

    def __missing__(self, high: int) -> bytes:
        text = self[high] = b"-%04x-1%03x" % (high & 0xFFFF, high >> 16)
        return text


def _kind_weights(spec: SimulationSpec) -> list[float]:
    malformed = sum(spec.reason_weights.values())
    valid = max(0.0, 1 - malformed - spec.duplicate_share)
    shares = (valid * (1 - spec.late_share), valid * spec.late_share, spec.duplicate_share, malformed)
    return list(accumulate(shares))


def _interactions(spec: SimulationSpec, jobs: list[Job], rng: Random) -> tuple[list[Interaction], list[float]]:
    """All interactions, with cumulative weights that give uncountable ones and those with event data their share."""
    interactions: list[Interaction] = []
    weights: list[float] = []
    countable_share = 1 - spec.uncountable_share
    usual_share = countable_share * (1 - spec.event_data_share)
    groups = [
        (usual_share * (1 - spec.internal_share), countable_interactions(spec, jobs, rng)),
        (spec.uncountable_share * (1 - spec.further_share), uncountable_interactions(jobs, rng)),
    ]
    if spec.event_data_share:
        groups.append((countable_share * spec.event_data_share, event_data_interactions(spec, jobs, rng)))
    if spec.further_share:
        groups.append((spec.uncountable_share * spec.further_share, further_interactions(spec, jobs, rng)))
    if spec.internal_share:
        groups.append((usual_share * spec.internal_share, internal_interactions(spec, jobs, rng)))
    for share, weighted in groups:
        group = list(weighted)
        total = sum(weight for _, weight in group)
        interactions += [interaction for interaction, _ in group]
        weights += [share * weight / total for _, weight in group]
    return interactions, list(accumulate(weights))
