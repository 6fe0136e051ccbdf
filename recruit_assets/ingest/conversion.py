"""Turns records into rows or dead letters. A record that makes ingest fail becomes a dead letter too.

Where no bucket layout is stored yet, the first micro-batch decides on it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason
from recruit_assets.ingest.batches import Row
from recruit_assets.ingest.breaker import Breaker, error_name
from recruit_assets.ingest.dead_letters import dead_letter_for
from recruit_assets.ingest.known_erasures import KnownErasures
from recruit_assets.ingest.writer import Writes
from recruit_assets.runtime.errors import Inconsistent, RejectedEvent
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.batch_encoder import raw_row
from recruit_assets.stores.kafka.record import Record
from recruit_assets.transforms.buckets import FIRST_LAYOUT, Layouts, bucket_of_key, event_hour, one_bucket_before
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy, require_privacy
from recruit_assets.transforms.validate import Limits, read_event

log = logging.getLogger(__name__)

LAYOUTS_MAX_AGE_S = 60
"""A new layout begins at least two hours after it is stored, and an event is at most five minutes early. A new
retention is in force at least two hours after it is stored."""

DECIDING_RECORDS = 4_000
"""So many decide on the first layout: they are converted twice."""


@dataclass(slots=True)
class Converted:
    """What the records of a micro-batch became."""

    rows: list[Row] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    unattributed: int = 0


class Converter:
    """Converts one micro-batch after the other. `backlog` returns how many records the group hasn't committed.

    UserError if the installation has another RECRUIT_PRIVACY than this process.
    """

    def __init__(
        self,
        writes: Writes,
        *,
        limits: Limits,
        backlog: Callable[[], int],
        privacy: Privacy = KEEP_PEOPLE,
        jobs: JobFinder = OWN_JOBS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_privacy(writes.privacy(), privacy.in_force)
        self._privacy = privacy
        self._erasures = KnownErasures(writes, privacy, clock=clock)
        self._erased = self._erasures.current()
        self._jobs = jobs
        self._writes = writes
        self._backlog = backlog
        self._limits = replace(limits, retention=writes.retention())
        self._layouts = writes.layouts()
        self._layouts_read_at = clock()
        self._clock = clock
        self._breaker = Breaker()

    def convert(self, records: Sequence[Record]) -> Converted:
        """The rows of the valid records, the dead letters of the others; Inconsistent if too many make ingest fail."""
        self._erased = self._erasures.current()
        return self._converted(records, self._current_layouts(records), self._breaker)

    def _converted(self, records: Sequence[Record], layouts: Layouts, breaker: Breaker) -> Converted:
        limits, converted = self._limits, Converted()
        for source, record in enumerate(records):
            try:
                sent = read_event(record.value, record.timestamp, limits=limits)
                event = self._erased.of_event(self._privacy.of_event(sent))
                hour = event_hour(event.event_time_ms)
                partition = hour, bucket_of_key(event.key, event.event_time_ms, layouts.at(hour))
                row = Row(source, raw_row(event, partition, received_at_ms=record.timestamp))
            except RejectedEvent as rejected:
                converted.letters.append(self.letter(record, rejected))
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever a single record causes, the others go on
                breaker.add(error, record, position=source)
                converted.letters.append(self._internal_error(record, error))
            else:
                converted.rows.append(row)
                converted.unattributed += event.is_unattributed and self._jobs.misses(event)
        breaker.end_micro_batch(len(records))
        return converted

    def letter(self, record: Record, why: RejectedEvent) -> DeadLetter:
        """The dead letter of a record, without people who were erased."""
        return self._erased.of_letter(dead_letter_for(record, why))

    def _internal_error(self, record: Record, error: Exception) -> DeadLetter:
        why = RejectedEvent(DeadLetterReason.INTERNAL_ERROR, f"{error_name(error)}: {error}")
        return replace(self.letter(record, why), exception=error_name(error))

    def _current_layouts(self, records: Sequence[Record]) -> Layouts:
        if self._layouts is None:
            self._layouts = self._first_layouts(records)
        elif self._clock() - self._layouts_read_at > LAYOUTS_MAX_AGE_S:
            self._layouts = _required(self._writes.layouts())
            self._limits = replace(self._limits, retention=self._writes.retention())
            self._layouts_read_at = self._clock()
        return self._layouts

    def _first_layouts(self, records: Sequence[Record]) -> Layouts:
        """Decide on the first layout with what these records show; what is stored counts, whoever was faster."""
        records = records[:DECIDING_RECORDS]
        tried = self._converted(records, Layouts([(0, FIRST_LAYOUT)]), Breaker())
        before_ms = one_bucket_before(
            [row.raw.partition[0] for row in tried.rows],
            waiting=self._backlog(),
            now_ms=min(record.timestamp for record in records),
        )
        self._writes.store_first_layout(one_bucket_before_ms=before_ms)
        if before_ms is not None:
            log.info("the topic begins with a sparse history: hours before %s get one bucket", from_ms(before_ms))
        return _required(self._writes.layouts())


def _required(layouts: Layouts | None) -> Layouts:
    """The layouts; Inconsistent without any: with another one, events that are stored would be written again."""
    if layouts is None:
        raise Inconsistent("Cassandra's table bucket_layout has lost its rows. Restore them from a backup")
    return layouts
