"""Turns records into rows or dead letters. A record that makes ingest fail becomes a dead letter too."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason
from recruit_assets.ingest.breaker import Breaker, error_name
from recruit_assets.ingest.dead_letters import dead_letter_for
from recruit_assets.ingest.writer import Row, Writes
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.stores.cassandra.batch_encoder import Partition, raw_row
from recruit_assets.stores.kafka.record import Record
from recruit_assets.transforms.buckets import Layouts, bucket_of_key, event_hour
from recruit_assets.transforms.validate import Limits, read_event

LAYOUTS_MAX_AGE_S = 60
"""A new layout begins at least two hours after it is stored, and an event is at most five minutes early. A new
retention is in force at least two hours after it is stored."""


@dataclass(slots=True)
class Converted:
    """What the records of a micro-batch became."""

    rows: list[tuple[Partition, Row]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    unattributed: int = 0


class Converter:
    """Converts one micro-batch after the other."""

    def __init__(self, writes: Writes, *, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._writes = writes
        self._limits = replace(limits, retention=writes.retention())
        self._layouts = writes.layouts()
        self._layouts_read_at = clock()
        self._clock = clock
        self._breaker = Breaker()

    def convert(self, records: Sequence[Record]) -> Converted:
        """The rows of the valid records, the dead letters of the others; Inconsistent if too many make ingest fail."""
        layouts, limits = self._current_layouts(), self._limits
        converted = Converted()
        for source, record in enumerate(records):
            try:
                event = read_event(record.value, record.timestamp, limits=limits)
                hour = event_hour(event.event_time_ms)
                partition = hour, bucket_of_key(event.key, event.event_time_ms, layouts.at(hour))
                row = Row(source, raw_row(event, partition, received_at_ms=record.timestamp))
            except RejectedEvent as rejected:
                converted.letters.append(dead_letter_for(record, rejected))
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever a single record causes, the others go on
                self._breaker.add(error, record, position=source)
                converted.letters.append(_internal_error(record, error))
            else:
                converted.rows.append((partition, row))
                converted.unattributed += event.is_unattributed
        self._breaker.end_micro_batch(len(records))
        return converted

    def _current_layouts(self) -> Layouts:
        if self._clock() - self._layouts_read_at > LAYOUTS_MAX_AGE_S:
            self._layouts = self._writes.layouts()
            self._limits = replace(self._limits, retention=self._writes.retention())
            self._layouts_read_at = self._clock()
        return self._layouts


def _internal_error(record: Record, error: Exception) -> DeadLetter:
    why = RejectedEvent(DeadLetterReason.INTERNAL_ERROR, f"{error_name(error)}: {error}")
    return replace(dead_letter_for(record, why), exception=error_name(error))
