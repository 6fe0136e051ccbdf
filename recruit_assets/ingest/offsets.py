"""Commits offsets, explicitly and only forward; retries failed commits and gives up after a while.

What must be durable before a commit is decided in `ingest.worker`.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.kafka.offsets import PartitionSpan

COMMIT_GIVE_UP_S = 90

Offsets = dict[int, int]
"""Per partition, the offset after the last record in question."""


class Committer(Protocol):
    """What `Commits` needs of a group member."""

    def commit(self, offsets: Offsets) -> bool: ...


class Commits:
    """Offsets of one group member: those that are durable, and those that are committed.

    Between two rebalances offsets only grow, so the next commit also covers one that failed or timed out.
    """

    def __init__(self, member: Committer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._member = member
        self._clock = clock
        self._committed: Offsets = {}
        self._durable: Offsets = {}
        self._failing_since: float | None = None

    @property
    def committed(self) -> Mapping[int, int]:
        return self._committed

    def reset(self, committed: Offsets) -> None:
        """After a rebalance: Kafka delivers again what is durable but not committed."""
        self._committed = dict(committed)
        self._durable = {}

    def commit(self, offsets: Mapping[int, int]) -> bool:
        """Commit these offsets, whose records are durable. False if the group can't take them now.

        StoreUnavailable if commits fail for COMMIT_GIVE_UP_S.
        """
        self._durable.update(
            {partition: offset for partition, offset in offsets.items() if offset > self._committed.get(partition, 0)}
        )
        if not self._durable:
            return True
        if self._member.commit(dict(self._durable)):
            self._committed.update(self._durable)
            self._durable = {}
            self._failing_since = None
            return True
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since > COMMIT_GIVE_UP_S:
            raise StoreUnavailable(f"Kafka commits failed for {COMMIT_GIVE_UP_S} s; wanted to commit {self._durable}")
        return False


def remaining(targets: Mapping[int, int], spans: Iterable[PartitionSpan]) -> Offsets:
    """Per partition, the number of offsets still to commit; empty when all targets are reached.

    A partition that ends before its target has lost records: what it holds now is the target.
    """
    behind = {one.partition: min(targets.get(one.partition, 0), one.end) - one.position for one in spans}
    return {partition: count for partition, count in behind.items() if count > 0}
