"""What becomes of each row, by the rules of ingest: an event with its bytes for Kafka, or a refusal with its reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.importer.identity import Identity
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import RejectedEvent, UserError
from recruit_assets.transforms.buckets import HOUR_MS
from recruit_assets.transforms.validate import Event, Limits, read_event

EXAMPLES = 3
FIELDS = frozenset(column.name for column in EVENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A row that becomes an event."""

    number: int
    value: bytes
    """The Kafka record."""
    event: Event
    unknown: Sequence[str]
    """Fields that the contract doesn't name."""


@dataclass(slots=True)
class HourCount:
    """Rows whose event time is in an hour."""

    rows: int = 0
    countable: int = 0
    """Those that the report counts."""


@dataclass(slots=True)
class FileReport:
    """What is in a file."""

    rows: int = 0
    accepted: int = 0
    without_job: int = 0
    """Rows of a countable action that name no job: they are stored, and the report can't count them."""
    hours: dict[int, HourCount] = field(default_factory=dict)
    """By the hour's start, ms since the epoch."""
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[RefusedRow] = field(default_factory=list)
    """The first refused rows of each reason."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Rows that have each field that the contract doesn't name."""

    @property
    def countable(self) -> int:
        return sum(hour.countable for hour in self.hours.values())

    def add(self, row: AcceptedRow | RefusedRow) -> None:
        self.rows += 1
        if isinstance(row, RefusedRow):
            self.refused[row.reason] += 1
            if self.refused[row.reason] <= EXAMPLES:
                self.examples.append(row)
            return
        event = row.event
        self.accepted += 1
        self.without_job += event.is_unattributed
        self.unknown.update(row.unknown)
        hour = self.hours.setdefault(event.event_time_ms - event.event_time_ms % HOUR_MS, HourCount())
        hour.rows += 1
        hour.countable += event.action is not None and not event.is_unattributed


def checked_rows(
    rows: Iterable[Row | RefusedRow], *, identity: Identity, limits: Limits, received_at_ms: int
) -> Iterator[AcceptedRow | RefusedRow]:
    """Each row as ingest would take it from a Kafka record of that time."""
    for row in rows:
        if isinstance(row, RefusedRow):
            yield row
            continue
        try:
            value = row.json or _event_value(row, identity)
            event = read_event(value, received_at_ms, limits=limits)
        except RejectedEvent as why:
            yield RefusedRow(row.number, why.reason, str(why), row.fields)
            continue
        unknown = () if event.extra is None else [name for name in row.fields if name not in FIELDS]
        yield AcceptedRow(row.number, value, event, unknown)


def require_time(fields: Sequence[str], *, name: str) -> None:
    """UserError if no column can tell when a row happened."""
    if not {"create_time", "ts"} & set(fields):
        raise UserError(
            f"{name} has neither create_time nor ts, so no row has a time: name the column that has it, such as "
            f"--map COLUMN=ts. Its columns become the fields {', '.join(fields)}"
        )


def _event_value(row: Row, identity: Identity) -> bytes:
    fields = row.fields
    if "create_time" not in fields:
        fields = {"create_time": identity.create_time(row), **fields}
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError as error:
        raise RejectedEvent(DeadLetterReason.NOT_JSON, f"the row can't be written as JSON: {error}") from error
