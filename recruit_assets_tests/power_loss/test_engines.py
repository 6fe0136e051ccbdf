"""What a local engine has acknowledged is there after a power cut in the middle of writes, soon after its first start.

Settings that lose something show that the cut is one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from cassandra import DriverException
from cassandra.cluster import NoHostAvailable
from kafka.errors import KafkaError

from recruit_assets.local.engines.cassandra import Cassandra, CommitlogSync
from recruit_assets.local.engines.engine import Engine
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.lost_nodes.engines import NODES, kafka_brokers
from recruit_assets_tests.power_loss.disk import Disk
from recruit_assets_tests.power_loss.stores import (
    Acknowledged,
    read_cassandra,
    read_kafka,
    read_mysql,
    write_cassandra,
    write_kafka,
    write_mysql,
)
from recruit_assets_tests.support.engine_set import new_folder, running
from recruit_assets_tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

Write = Callable[[Settings, Acknowledged], None]
Read = Callable[[Settings], Acknowledged]
LOST_CONNECTION = (KafkaError, StoreUnavailable, DriverException, NoHostAvailable, pymysql.err.Error, OSError)
NOT_FLUSHED = {"log.flush.interval.messages": 2**63 - 1}
"""Kafka's default."""
FLUSHED = {"log.flush.interval.messages": 1}
SMALL_MEMTABLES = "memtable_offheap_space: 2MiB\nmemtable_heap_space: 2MiB\n"
"""Rows are soon in sstables, and their commit log is deleted."""


@contextmanager
def writing(write: Write, settings: Settings, *, enough: int) -> Iterator[Acknowledged]:
    """What was acknowledged; the block begins when that is enough, and writing goes on in it."""
    told = Acknowledged()

    def until_the_cut() -> None:
        with suppress(*LOST_CONNECTION):
            write(settings, told)

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(until_the_cut)
        try:
            wait_until(lambda: len(told.numbers) >= enough or written.done(), 120, what="acknowledged writes")
            yield told
        finally:
            told.stop.set()
            written.result(180)


def cut(disks: Sequence[Disk], processes: Sequence[EngineProcess]) -> None:
    """All at once, then started again."""
    for process in processes:
        process.kill()
    for disk in disks:
        disk.cut()
    for process in processes:
        process.spawn(print)
    for process in processes:
        process.wait_ready(print)


def lost_in_a_cut(disk: Disk, engine: Engine, write: Write, *, read: Read, enough: int) -> Acknowledged:
    """What was acknowledged before the cut and isn't found after it."""
    settings = load_settings(**load_settings(state_dir=engine.folder).model_dump() | dict(engine.endpoints()))
    with running([engine]) as processes:
        with writing(write, settings, enough=enough) as told:
            cut([disk], processes)
        return missing(told, read(settings))


def missing(told: Acknowledged, found: Acknowledged) -> Acknowledged:
    return Acknowledged(told.numbers - found.numbers, max(0, told.committed - found.committed))


def a_kafka(folder: Path, extra: Mapping[str, object]) -> Kafka:
    client, controller = free_ports(2)
    ports = {"kafka": client, "kafka_controller": controller}
    return Kafka(load_settings(state_dir=folder), new_folder(folder, "kafka"), ports, extra=extra)


def test_kafka_keeps_records_and_offsets(disk: Disk) -> None:
    lost = lost_in_a_cut(disk, a_kafka(disk.path, {}), write_kafka, read=read_kafka, enough=2_000)

    assert (lost.numbers, lost.committed) == (set(), 0)


def test_kafka_with_its_default_loses_acknowledged_records_and_offsets(disk: Disk) -> None:
    lost = lost_in_a_cut(disk, a_kafka(disk.path, NOT_FLUSHED), write_kafka, read=read_kafka, enough=2_000)

    assert len(lost.numbers) >= 2_000
    assert lost.committed >= 1_900


def a_cassandra(folder: Path, sync: CommitlogSync, *, extra: str = "") -> Cassandra:
    port, internode = free_ports(2)
    ports = {"cassandra": port, "cassandra_internode": internode}
    return Cassandra(load_settings(state_dir=folder), new_folder(folder, "cassandra"), ports, sync, extra=extra)


@pytest.mark.parametrize("extra", ["", SMALL_MEMTABLES], ids=["in the commit log", "in sstables"])
def test_cassandra_keeps_rows_and_tables(disk: Disk, extra: str) -> None:
    engine = a_cassandra(disk.path, "group", extra=extra)

    lost = lost_in_a_cut(disk, engine, write_cassandra, read=read_cassandra, enough=10_000)

    assert lost.numbers == set()


def test_cassandra_with_its_default_loses_acknowledged_rows_or_does_not_start(disk: Disk) -> None:
    """A segment of its commit log that was written in part has a wrong checksum, which ends the start."""
    engine = a_cassandra(disk.path, "periodic")
    try:
        lost = lost_in_a_cut(disk, engine, write_cassandra, read=read_cassandra, enough=10_000)
        harm = f"{len(lost.numbers)} rows are lost" if lost.numbers else "none"
    except StoreUnavailable as error:
        harm = str(error)

    assert re.search(r"rows are lost|CommitLogReadException", harm)


def a_mariadb(folder: Path, extra: Mapping[str, object]) -> MariaDb:
    (port,) = free_ports(1)
    return MariaDb(load_settings(state_dir=folder), new_folder(folder, "mariadb"), {"mariadb": port}, extra=extra)


def test_mariadb_keeps_transactions_and_tables(disk: Disk) -> None:
    lost = lost_in_a_cut(disk, a_mariadb(disk.path, {}), write_mysql, read=read_mysql, enough=500)

    assert lost.numbers == set()


def test_mariadb_that_flushes_once_a_second_loses_acknowledged_transactions(disk: Disk) -> None:
    engine = a_mariadb(disk.path, {"innodb-flush-log-at-trx-commit": 0})

    lost = lost_in_a_cut(disk, engine, write_mysql, read=read_mysql, enough=500)

    assert lost.numbers


@pytest.mark.parametrize(
    ("lose_power", "flush", "kept"),
    [(1, NOT_FLUSHED, True), (NODES, NOT_FLUSHED, False), (NODES, FLUSHED, True)],
    ids=["one of three", "all three at once", "all three, flushed"],
)
def test_three_brokers_lose_records_only_if_all_lose_power_at_once(
    new_disk: Callable[[], Disk], tmp_path: Path, lose_power: int, flush: Mapping[str, object], kept: bool
) -> None:
    brokers, client = kafka_brokers(tmp_path / "unused")
    disks = [new_disk() for _ in brokers]
    on_disks = [
        replace(broker, folder=new_folder(disk.path, "broker"), extra={**broker.extra, **flush})
        for broker, disk in zip(brokers, disks, strict=True)
    ]
    with running(on_disks) as processes:
        with writing(write_kafka, client, enough=2_000) as told:
            cut(disks[:lose_power], processes[:lose_power])
        lost = missing(told, read_kafka(client))

    assert (lost.numbers == set()) is kept
    assert (lost.committed == 0) is kept
