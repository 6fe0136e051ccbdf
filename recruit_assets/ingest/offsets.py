"""When offsets may move: only to what is durable, by explicit numbers; a commit that fails is made up for or reported.

Belongs here: offsets done but not committed, how long a commit may fail, whether targets are reached. Not here: the
client's calls (`stores.kafka_group`), what must be durable first (`ingest.service`).
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from recruit_assets.runtime.errors import StoreUnavailable

COMMIT_GIVE_UP_S = 90

Offsets = dict[int, int]
"""Per partition, the offset after the last record that is meant."""


class Committer(Protocol):
    """What is needed of a group member."""

    def commit(self, offsets: Offsets) -> bool: ...


class Commits:
    """Offsets of one group member: what is done, and what of it is committed.

    Offsets only grow between two rebalances, so that a commit that failed or timed out is made up for by the next one.
    """

    def __init__(self, member: Committer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._member = member
        self._clock = clock
        self._committed: Offsets = {}
        self._done: Offsets = {}
        self._failing_since: float | None = None

    @property
    def committed(self) -> Mapping[int, int]:
        return self._committed

    def restart(self, committed: Offsets) -> None:
        """After a rebalance: what was done and not committed will be delivered again."""
        self._committed = dict(committed)
        self._done = {}

    def done(self, offsets: Mapping[int, int]) -> bool:
        """Everything before these offsets is durable: commit it. False when the group can't take it at the moment.

        StoreUnavailable when that goes on for too long.
        """
        self._done.update(
            {partition: offset for partition, offset in offsets.items() if offset > self._committed.get(partition, 0)}
        )
        if not self._done:
            return True
        if self._member.commit(dict(self._done)):
            self._committed.update(self._done)
            self._done = {}
            self._failing_since = None
            return True
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since > COMMIT_GIVE_UP_S:
            raise StoreUnavailable(f"Kafka takes no offsets for {COMMIT_GIVE_UP_S} s; wanted to commit {self._done}")
        return False


def missing(targets: Mapping[int, int], committed: Mapping[int, int]) -> Offsets:
    """Per partition, how many offsets the group has still to commit; empty when the targets are reached."""
    behind = {partition: target - committed.get(partition, 0) for partition, target in targets.items()}
    return {partition: count for partition, count in behind.items() if count > 0}
