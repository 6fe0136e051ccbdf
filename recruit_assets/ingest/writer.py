"""Events into Cassandra: batches of one partition, many in flight, all settled; then versions and the change feed.

Belongs here: which rows share a batch, how many batches are in flight, what is tried again and for how long. Not here:
statements and bytes (`stores.event_writes`), offsets (`ingest.offsets`), refused rows' fate (`ingest.worker`).
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random_exponential

from recruit_assets.ingest.steps import OnStep, Step, no_step
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import MAX_BATCH_BYTES, Done, RowsRefused

log = logging.getLogger(__name__)

IN_FLIGHT = 96
"""Batches on their way at once: a group commit answers after 10 ms at the earliest, so throughput needs many."""
GIVE_UP_S = 120
"""Well under the 300 s after which a consumer that doesn't poll loses its partitions."""
BACKOFF_MAX_S = 5
SAID_AFTER_ATTEMPTS = 3


class Writes(Protocol):
    """What the writer needs of `stores.event_writes.EventWrites`."""

    def send(self, partition: Partition, rows: Iterable[RawRow], *, done: Done) -> None: ...
    def send_version(self, hour_ms: int, buckets: set[int], *, flight: int, done: Done) -> None: ...
    def send_change(self, hour_ms: int, buckets: set[int], *, row_count: int, done: Done) -> None: ...
    def require_table(self) -> None: ...


@dataclass(slots=True)
class Row:
    """A row to write, and the position in its flight of the record that it came from."""

    source: int
    raw: RawRow


@dataclass(slots=True)
class Batch:
    """Rows of one partition that are written as one mutation."""

    partition: Partition
    rows: list[Row]


@dataclass(slots=True)
class Flight:
    """Batches that were sent together; `failed` fills while they settle."""

    batches: list[Batch]
    rows: int
    pending: int = 0
    failed: list[tuple[Batch, Exception]] = field(default_factory=list)
    settled: threading.Condition = field(default_factory=threading.Condition)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that Cassandra refuses as invalid; `source` is its record's position in the flight."""

    source: int
    why: RowsRefused


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a flight: rows per hour (ms since the epoch), and the rows that are refused."""

    hours: Counter[int]
    refused: list[Refused]


class EventWriter:
    """Writes flights. `launch` sends, `land` returns when every row is durable or refused, and that was told."""

    def __init__(
        self,
        writes: Writes,
        *,
        on_step: OnStep = no_step,
        in_flight: int = IN_FLIGHT,
        give_up_s: float = GIVE_UP_S,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._writes = writes
        self._on_step = on_step
        self._slots = threading.BoundedSemaphore(in_flight)
        self._give_up_s = give_up_s
        self._flights = 0
        self._sleep = {} if sleep is None else {"sleep": sleep}

    def launch(self, rows: Sequence[tuple[Partition, Row]]) -> Flight:
        """Send the rows; blocks only while all slots are taken."""
        flight = Flight(list(batches_of(rows)), rows=len(rows))
        self._on_step(Step.BEFORE_WRITE)
        half = len(flight.batches) // 2
        self._send(flight, flight.batches[:half])
        self._on_step(Step.MID_WRITE)
        self._send(flight, flight.batches[half:])
        return flight

    def land(self, flight: Flight) -> Written:
        """Settle the flight; StoreUnavailable when Cassandra doesn't confirm it in time. Nothing is in flight then."""
        refused = self._until_known(flight)
        self._on_step(Step.EVENTS_WRITTEN)
        hours = self._tell(flight, {one.source for one in refused})
        return Written(hours, refused)

    def settle(self, flight: Flight) -> None:
        """Wait for every answer, whatever it is. Each comes, since every request has a time-out."""
        with flight.settled:
            flight.settled.wait_for(lambda: flight.pending == 0)

    def _until_known(self, flight: Flight) -> list[Refused]:
        """Send again what isn't confirmed. The same rows at the same timestamps: it doesn't matter which landed."""
        refused: list[Refused] = []

        def unconfirmed() -> int:
            again = self._unconfirmed_batches(flight, refused)
            self._send(flight, again)
            self.settle(flight)
            return len(flight.failed)

        self.settle(flight)
        if flight.failed:
            self._repeat(unconfirmed, lambda: flight.failed[0][1])
        return refused

    def _unconfirmed_batches(self, flight: Flight, refused: list[Refused]) -> list[Batch]:
        """What to send next: unknown ones as they were, refused ones row by row, a refused single row never again."""
        failed, flight.failed = flight.failed, []
        again: list[Batch] = []
        for batch, why in failed:
            if not isinstance(why, RowsRefused):
                again.append(batch)
            elif len(batch.rows) > 1:
                again.extend(Batch(batch.partition, [row]) for row in batch.rows)
            else:
                self._writes.require_table()  # or a dropped table would make every event a dead letter
                refused.append(Refused(batch.rows[0].source, why))
        return again

    def _tell(self, flight: Flight, refused: set[int]) -> Counter[int]:
        """The buckets' new versions, then a change per hour: whoever sees the change must find the versions."""
        hours: Counter[int] = Counter()
        buckets: dict[int, set[int]] = defaultdict(set)
        for batch in flight.batches:
            count = sum(row.source not in refused for row in batch.rows)
            if count:
                hours[batch.partition[0]] += count
                buckets[batch.partition[0]].add(batch.partition[1])
        self._flights += 1
        number, writes = self._flights, self._writes
        self._until_told(hours, lambda hour, done: writes.send_version(hour, buckets[hour], flight=number, done=done))
        self._on_step(Step.VERSIONS_WRITTEN)
        self._until_told(
            hours, lambda hour, done: writes.send_change(hour, buckets[hour], row_count=hours[hour], done=done)
        )
        self._on_step(Step.CHANGE_WRITTEN)
        return hours

    def _until_told(self, hours: Iterable[int], send: Callable[[int, Done], None]) -> None:
        """Repeated until confirmed, since telling an hour twice is harmless and not telling it is a loss."""
        untold = set(hours)
        failures: list[Exception] = []

        def still_untold() -> int:
            failures.clear()
            answers = Answers(untold)
            for hour in list(untold):
                send(hour, partial(answers.put, hour))
            for hour, error in answers.all():
                if error is None:
                    untold.discard(hour)
                else:
                    failures.append(error)
            return len(untold)

        if untold:
            self._repeat(still_untold, lambda: failures[0])

    def _send(self, flight: Flight, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self._slots.acquire()
            with flight.settled:
                flight.pending += 1
            self._writes.send(batch.partition, (row.raw for row in batch.rows), done=partial(self._done, flight, batch))

    def _done(self, flight: Flight, batch: Batch, error: Exception | None) -> None:
        self._slots.release()
        with flight.settled:
            if error is not None:
                flight.failed.append((batch, error))
            flight.pending -= 1
            if not flight.pending:
                flight.settled.notify_all()

    def _repeat(self, attempt: Callable[[], int], failure: Callable[[], Exception]) -> None:
        """Call `attempt` until it leaves nothing; StoreUnavailable after the limit, anything unforeseen at once."""

        def checked() -> int:
            left = attempt()
            if left and not isinstance(failure(), StoreUnavailable | RowsRefused):
                raise failure()
            return left

        tries = Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(self._give_up_s),
            wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_MAX_S),
            before_sleep=lambda state: self._say_once(state.attempt_number, failure()),
            **self._sleep,  # type: ignore[arg-type]  # only a sleep
        )
        try:
            tries(checked)
        except RetryError as error:
            raise StoreUnavailable(
                f"Cassandra didn't confirm writes for {self._give_up_s:.0f} s; no offset was committed: {failure()}"
            ) from error

    def _say_once(self, attempts: int, why: Exception) -> None:
        """An outage shows while it lasts; a single time-out isn't worth a line."""
        if attempts == SAID_AFTER_ATTEMPTS:
            log.warning("writes aren't confirmed, trying again for up to %.0f s: %s", self._give_up_s, why)


class Answers:
    """Collects one answer for each of some keys, from other threads."""

    def __init__(self, keys: Iterable[int]) -> None:
        self._waiting = set(keys)
        self._answers: list[tuple[int, Exception | None]] = []
        self._changed = threading.Condition()

    def put(self, key: int, error: Exception | None) -> None:
        with self._changed:
            self._answers.append((key, error))
            self._waiting.discard(key)
            self._changed.notify_all()

    def all(self) -> list[tuple[int, Exception | None]]:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)
            return self._answers


def batches_of(rows: Iterable[tuple[Partition, Row]]) -> Iterator[Batch]:
    """Rows grouped by partition, cut where a batch would get too large; a row that is too large goes alone."""
    open_batches: dict[Partition, Batch] = {}
    sizes: dict[Partition, int] = {}
    for partition, row in rows:
        batch = open_batches.get(partition)
        size = row.raw.size_bytes
        if batch is None or sizes[partition] + size > MAX_BATCH_BYTES:
            if batch is not None:
                yield batch
            open_batches[partition] = Batch(partition, [row])
            sizes[partition] = size
        else:
            batch.rows.append(row)
            sizes[partition] += size
    yield from open_batches.values()
