"""Writes events to Cassandra in batches, many in flight, then publishes versions and changes.

`ingest.batches` splits rows over batches, `stores.cassandra.event_writes` has the statements and their bytes, and
`ingest.offsets` the offsets.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random_exponential

from recruit_assets.contract.privacy import Erasure, PrivacyInForce
from recruit_assets.contract.retention import Retention
from recruit_assets.ingest.batches import Batch, Row, change_requests, row_batches, touched_hours, version_requests
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import RawRow
from recruit_assets.stores.cassandra.event_writes import Change, Done, RowsRejected
from recruit_assets.transforms.buckets import Layouts

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 96
"""Batches in flight at once. A group commit takes 10 ms or more to answer, so throughput needs concurrency."""
GIVE_UP_S = 120
"""Well under the 300 s after which a consumer that doesn't poll loses its partitions."""
BACKOFF_MAX_S = 5
LOG_AFTER_ATTEMPTS = 3


class Writes(Protocol):
    """What ingest needs of `stores.cassandra.event_writes.EventWrites`."""

    def send(self, rows: Sequence[RawRow], *, done: Done) -> None: ...
    def send_versions(self, changes: Sequence[Change], *, micro_batch: int, done: Done) -> None: ...
    def send_changes(self, changes: Sequence[Change], *, done: Done) -> None: ...
    def require_table(self) -> None: ...
    def layouts(self) -> Layouts | None: ...
    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None: ...
    def retention(self) -> Retention: ...
    def privacy(self) -> PrivacyInForce: ...
    def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]: ...


@dataclass(slots=True)
class MicroBatch:
    """Batches that were sent together. `failed` collects errors as answers arrive."""

    batches: list[Batch]
    pending: int = 0
    failed: list[tuple[Batch, Exception]] = field(default_factory=list)
    answered: threading.Condition = field(default_factory=threading.Condition)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that Cassandra rejects as invalid; `source` is the position of its record in the micro-batch."""

    source: int
    why: RowsRejected


@dataclass(frozen=True, slots=True)
class Written:
    """Result of a micro-batch: durable rows per hour (ms since the epoch), and the rejected rows."""

    hours: Counter[int]
    rejected: list[RejectedRow]


class EventWriter:
    """`submit` sends a micro-batch; `wait_durable` returns when every row is durable or rejected, and published."""

    def __init__(
        self,
        writes: Writes,
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
        give_up_s: float = GIVE_UP_S,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._writes = writes
        self._slots = threading.BoundedSemaphore(max_in_flight)
        self._give_up_s = give_up_s
        self._published = 0
        self._sleep = {} if sleep is None else {"sleep": sleep}

    def submit(self, rows: Sequence[Row]) -> MicroBatch:
        """Send the rows; blocks only while the maximum number of batches is in flight."""
        micro_batch = MicroBatch(list(row_batches(rows)))
        self._send(micro_batch, micro_batch.batches)
        return micro_batch

    def wait_durable(self, micro_batch: MicroBatch) -> Written:
        """StoreUnavailable if Cassandra doesn't confirm all rows in time. Nothing is in flight afterwards."""
        rejected = self._retry_until_durable(micro_batch)
        hours = self._publish_changes(micro_batch, {row.source for row in rejected})
        return Written(hours, rejected)

    def wait_answered(self, micro_batch: MicroBatch) -> None:
        """Wait until no batch is in flight, whatever the answers. Every request has a timeout."""
        with micro_batch.answered:
            micro_batch.answered.wait_for(lambda: micro_batch.pending == 0)

    def _retry_until_durable(self, micro_batch: MicroBatch) -> list[RejectedRow]:
        """Resend what isn't confirmed. Rows keep their write timestamps, so writing one twice is harmless."""
        rejected: list[RejectedRow] = []

        def resend() -> int:
            self._send(micro_batch, self._batches_to_resend(micro_batch, rejected))
            self.wait_answered(micro_batch)
            return len(micro_batch.failed)

        self.wait_answered(micro_batch)
        if micro_batch.failed:
            self._retry(resend, lambda: micro_batch.failed[0][1])
        return rejected

    def _batches_to_resend(self, micro_batch: MicroBatch, rejected: list[RejectedRow]) -> list[Batch]:
        """Unconfirmed batches as they were, rejected batches row by row; a rejected single row is final."""
        failed, micro_batch.failed = micro_batch.failed, []
        resend: list[Batch] = []
        for batch, why in failed:
            if not isinstance(why, RowsRejected):
                resend.append(batch)
            elif len(batch.rows) > 1:
                resend.extend(Batch([row]) for row in batch.rows)
            else:
                self._writes.require_table()  # otherwise a dropped table would make every event a dead letter
                rejected.append(RejectedRow(batch.rows[0].source, why))
        return resend

    def _publish_changes(self, micro_batch: MicroBatch, rejected: set[int]) -> Counter[int]:
        """Write the new bucket versions, then a change per hour: a reader of the change must find the versions."""
        changes = touched_hours(
            row.raw.partition for batch in micro_batch.batches for row in batch.rows if row.source not in rejected
        )
        self._published += 1
        number, writes = self._published, self._writes
        self._send_until_confirmed(
            version_requests(changes), lambda some, done: writes.send_versions(some, micro_batch=number, done=done)
        )
        self._send_until_confirmed(change_requests(changes), lambda some, done: writes.send_changes(some, done=done))
        return Counter({change.hour_ms: change.row_count for change in changes})

    def _send_until_confirmed(
        self, requests: Iterable[list[Change]], send: Callable[[list[Change], Done], None]
    ) -> None:
        """Send all requests and retry: sending one twice is harmless, not sending it loses events."""
        unconfirmed = dict(enumerate(requests))
        failures: list[Exception] = []

        def send_unconfirmed() -> int:
            failures.clear()
            answers = Answers(unconfirmed)
            for number, request in list(unconfirmed.items()):
                send(request, partial(answers.put, number))
            for number, error in answers.all():
                if error is None:
                    del unconfirmed[number]
                else:
                    failures.append(error)
            return len(unconfirmed)

        if unconfirmed:
            self._retry(send_unconfirmed, lambda: failures[0])

    def _send(self, micro_batch: MicroBatch, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self._slots.acquire()
            with micro_batch.answered:
                micro_batch.pending += 1
            done = partial(self._done, micro_batch, batch)
            self._writes.send([row.raw for row in batch.rows], done=done)

    def _done(self, micro_batch: MicroBatch, batch: Batch, error: Exception | None) -> None:
        self._slots.release()
        with micro_batch.answered:
            if error is not None:
                micro_batch.failed.append((batch, error))
            micro_batch.pending -= 1
            if not micro_batch.pending:
                micro_batch.answered.notify_all()

    def _retry(self, attempt: Callable[[], int], failure: Callable[[], Exception]) -> None:
        """Call `attempt` until it returns 0; StoreUnavailable after the limit, an unexpected error at once."""

        def checked() -> int:
            left = attempt()
            if left and not isinstance(failure(), StoreUnavailable | RowsRejected):
                raise failure()
            return left

        tries = Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(self._give_up_s),
            wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_MAX_S),
            before_sleep=lambda state: self._log_once(state.attempt_number, failure()),
            **self._sleep,  # type: ignore[arg-type]  # only a sleep
        )
        try:
            tries(checked)
        except RetryError as error:
            raise StoreUnavailable(
                f"Cassandra didn't confirm writes for {self._give_up_s:.0f} s; no offset was committed: {failure()}"
            ) from error

    def _log_once(self, attempts: int, why: Exception) -> None:
        """One line per outage; a single timeout isn't worth one."""
        if attempts == LOG_AFTER_ATTEMPTS:
            log.warning("Cassandra doesn't confirm writes, retrying for up to %.0f s: %s", self._give_up_s, why)


class Answers:
    """Collects one answer per key, from other threads."""

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
        """Blocks until every key has its answer."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)
            return self._answers
