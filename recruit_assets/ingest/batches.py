"""Splits rows, and the hours that they belong to, over requests to Cassandra.

A batch holds rows of one partition. Only if there are very many partitions, with a row or two each, several of them
share a batch, since a request costs more than a row.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import MAX_BATCH_BYTES, Change
from recruit_assets.stores.cassandra.session import partitions_per_batch

SMALL_BATCH_BYTES = MAX_BATCH_BYTES // 2
"""A batch above this isn't joined with others, so that it goes straight to the replicas of its partition."""
MAX_HOURS = 100
MAX_BUCKETS = 500
"""In one request for versions or changes: together less than 40 KiB."""


@dataclass(slots=True)
class Row:
    """A row to write; `source` is the position of its record in the micro-batch."""

    source: int
    raw: RawRow


@dataclass(slots=True)
class Batch:
    """Rows that are written by one request: all of one partition, or a few each of several."""

    rows: list[Row]
    size_bytes: int = 0

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.size_bytes += row.raw.size_bytes


def row_batches(rows: Iterable[Row]) -> Iterator[Batch]:
    """The rows in batches below Cassandra's limit; a row above it gets a batch of its own."""
    small: list[Batch] = []
    for batch in _partition_batches(rows):
        if batch.size_bytes > SMALL_BATCH_BYTES:
            yield batch
        else:
            small.append(batch)
    yield from _joined(small)


def _partition_batches(rows: Iterable[Row]) -> Iterator[Batch]:
    """Batches of one partition each."""
    open_batches: dict[Partition, Batch] = {}
    for row in rows:
        batch = open_batches.get(row.raw.partition)
        if batch is None or batch.size_bytes + row.raw.size_bytes > MAX_BATCH_BYTES:
            if batch is not None:
                yield batch
            batch = open_batches[row.raw.partition] = Batch([])
        batch.add(row)
    yield from open_batches.values()


def _joined(batches: Sequence[Batch]) -> Iterator[Batch]:
    """The batches, each of another partition; if there are many, several are joined to one."""
    joined, partitions, most = Batch([]), 0, partitions_per_batch(len(batches))
    for batch in batches:
        if partitions == most or joined.size_bytes + batch.size_bytes > MAX_BATCH_BYTES:
            yield joined
            joined, partitions = Batch([]), 0
        joined.rows += batch.rows
        joined.size_bytes += batch.size_bytes
        partitions += 1
    if partitions:
        yield joined


def touched_hours(partitions: Iterable[Partition]) -> list[Change]:
    """The change of each hour that has rows; `partitions` has one entry per row."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for (hour_ms, bucket), row_count in Counter(partitions).items():
        found[hour_ms][bucket] = row_count
    return [Change(hour_ms, set(buckets), buckets.total()) for hour_ms, buckets in found.items()]


def version_requests(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """The hours whose versions are sent together: few, since each hour is a partition of its own."""
    return _in_requests(changes, most_hours=partitions_per_batch(len(changes)))


def change_requests(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """The hours whose changes are sent together: all of one shard, which is one partition of the change feed."""
    by_shard: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_shard[change.shard].append(change)
    for shard in by_shard.values():
        yield from _in_requests(shard, most_hours=MAX_HOURS)


def _in_requests(changes: Iterable[Change], *, most_hours: int) -> Iterator[list[Change]]:
    request: list[Change] = []
    buckets = 0
    for change in changes:
        if request and (len(request) == most_hours or buckets + len(change.buckets) > MAX_BUCKETS):
            yield request
            request, buckets = [], 0
        request.append(change)
        buckets += len(change.buckets)
    if request:
        yield request
