"""A broker that lost its last writes and got others at the same offsets, on a Kafka of the test's own."""

import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.kafka.group_member import GroupMember
from recruit_assets.stores.kafka.topics import ensure_topics
from recruit_assets_tests.support.waiting import wait_until

BATCH_HEADER = struct.Struct(">qi")
"""Base offset, and the length of the rest (Kafka's record batch, version 2)."""


class Broker:
    """One Kafka broker that can be killed and loses what was written last."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        port, controller = free_ports(2)
        own = {"kafka_bootstrap": f"127.0.0.1:{port}", "kafka_user": "", "kafka_password": "", "kafka_partitions": 1}
        self.settings = load_settings(**settings.model_dump() | own)
        ports = {"kafka": port, "kafka_controller": controller}
        self._engine = Kafka(self.settings, folder, ports, short_lived=True)
        self._log = folder / "data" / f"{settings.kafka_topic}-0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self._engine.prepare(lambda _: None)
        self._process = subprocess.Popen(
            command.arguments, cwd=command.folder, env=dict(command.environment), stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, 60, what="Kafka")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lose_batches(self, count: int) -> int:
        """Cut the last batches off the log; returns the first lost offset."""
        for derived in (path for path in self._log.iterdir() if path.suffix in (".index", ".timeindex", ".snapshot")):
            derived.unlink()
        (log,) = self._log.glob("*.log")
        offset, position = _batches(log.read_bytes())[-count]
        os.truncate(log, position)
        return offset

    def _answers(self) -> bool:
        try:
            self._engine.probe()
        except StoreUnavailable:
            return False
        return True


def _batches(log: bytes) -> list[tuple[int, int]]:
    """(base offset, position) of each batch."""
    found: list[tuple[int, int]] = []
    position = 0
    while position + BATCH_HEADER.size <= len(log):
        offset, length = BATCH_HEADER.unpack_from(log, position)
        if length <= 0:
            break  # the rest is allocated and not written yet
        found.append((offset, position))
        position += BATCH_HEADER.size + length
    return found


@contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def send(settings: Settings, count: int) -> None:
    """Each record in a batch of its own."""
    producer = open_producer(settings)
    for number in range(count):
        producer.send(settings.kafka_topic, value=b"%d" % number, partition=0).get(timeout=30)
    producer.close()


def reads_through(member: GroupMember, last: int) -> Callable[[], bool]:
    """Whether the member has read through the offset; resumes after rebalances."""

    def step() -> bool:
        records = member.poll(0.1)
        if member.rebalanced:
            member.resume()
            return False
        return bool(records) and records[-1].offset == last

    return step


@pytest.mark.parametrize("is_alive", [True, False])
def test_records_in_the_place_of_lost_ones_are_read(engines: Settings, tmp_path: Path, *, is_alive: bool) -> None:
    """The commit lies within the log, which has grown again: without the leader epoch 5 new records were skipped."""
    with running(Broker(engines, tmp_path)) as broker:
        ensure_topics(broker.settings)
        send(broker.settings, 20)
        member = GroupMember(broker.settings, max_poll_records=100)
        wait_until(reads_through(member, 19), 60, what="the first records")
        assert member.commit({0: 20})
        if not is_alive:
            member.close()
        broker.kill()
        cut = broker.lose_batches(5)
        broker.start()
        send(broker.settings, 10)

        with closing(member if is_alive else GroupMember(broker.settings, max_poll_records=100)) as reader:
            wait_until(reads_through(reader, 24), 60, what="the new records")
            (rewind,) = reader.take_rewinds()

    assert (cut, rewind.committed, rewind.resumed_at) == (15, 20, 15)


def test_a_restart_that_loses_nothing_is_no_reason_to_read_again(engines: Settings, tmp_path: Path) -> None:
    with running(Broker(engines, tmp_path)) as broker:
        ensure_topics(broker.settings)
        send(broker.settings, 20)
        with closing(GroupMember(broker.settings, max_poll_records=100)) as member:
            wait_until(reads_through(member, 19), 60, what="the first records")
            assert member.commit({0: 20})
            broker.kill()
            broker.start()
            send(broker.settings, 10)
            wait_until(reads_through(member, 29), 60, what="the new records")
            assert member.commit({0: 30})
        with closing(GroupMember(broker.settings, max_poll_records=100)) as successor:
            wait_until(lambda: successor.poll(0.1) or successor.rebalanced, 60, what="an assignment")

            assert successor.resume() == {0: 30}
            assert member.take_rewinds() == successor.take_rewinds() == []
