"""What a local engine has acknowledged is there after a power cut, also right after its first start.

Settings that lose something show that the cut is one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from recruit_assets.local.engines.cassandra import Cassandra, CommitlogSync
from recruit_assets.local.engines.engine import Engine
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.lost_nodes.engines import NODES, kafka_brokers
from recruit_assets_tests.power_loss.disk import Disk
from recruit_assets_tests.power_loss.stores import (
    CASSANDRA_ROWS,
    KAFKA_RECORDS,
    MYSQL_ROWS,
    fill_cassandra,
    fill_kafka,
    fill_mysql,
    found_in_cassandra,
    found_in_kafka,
    found_in_mysql,
)
from recruit_assets_tests.support.engine_set import new_folder, running

pytestmark = pytest.mark.timeout(600)

NOT_FLUSHED = {"log.flush.interval.messages": 2**63 - 1}
"""Kafka's default."""
FLUSHED = {"log.flush.interval.messages": 1}
SMALL_MEMTABLES = "memtable_offheap_space: 2MiB\nmemtable_heap_space: 2MiB\n"
"""Rows are soon in sstables, and their commit log is deleted."""


def settings_of(engine: Engine) -> Settings:
    return load_settings(**load_settings(state_dir=engine.folder).model_dump() | dict(engine.endpoints()))


def after_a_cut(
    disk: Disk, engine: Engine, fill: Callable[[Settings], None], found: Callable[[Settings], object]
) -> object:
    """What is found of what was filled in, after a cut right after the last acknowledgement."""
    with running([engine]) as (process,):
        fill(settings_of(engine))
        disk.cut([process])
        process.spawn(print)
        process.wait_ready(print)
        return found(settings_of(engine))


def a_kafka(folder: Path, extra: Mapping[str, object]) -> Kafka:
    client, controller = free_ports(2)
    ports = {"kafka": client, "kafka_controller": controller}
    return Kafka(load_settings(state_dir=folder), new_folder(folder, "kafka"), ports, extra=extra)


def test_kafka_keeps_records_topics_and_offsets(disk: Disk) -> None:
    found = after_a_cut(disk, a_kafka(disk.path, {}), fill_kafka, found_in_kafka)

    assert found == (KAFKA_RECORDS, KAFKA_RECORDS)


def test_kafka_with_its_default_loses_acknowledged_records_and_offsets(disk: Disk) -> None:
    found = after_a_cut(disk, a_kafka(disk.path, NOT_FLUSHED), fill_kafka, found_in_kafka)

    assert found == (0, 0)


def a_cassandra(folder: Path, sync: CommitlogSync, *, extra: str = "") -> Cassandra:
    port, internode = free_ports(2)
    ports = {"cassandra": port, "cassandra_internode": internode}
    return Cassandra(load_settings(state_dir=folder), new_folder(folder, "cassandra"), ports, sync, extra=extra)


@pytest.mark.parametrize("extra", ["", SMALL_MEMTABLES], ids=["in the commit log", "in sstables"])
def test_cassandra_keeps_rows_and_tables(disk: Disk, extra: str) -> None:
    found = after_a_cut(disk, a_cassandra(disk.path, "group", extra=extra), fill_cassandra, found_in_cassandra)

    assert found == CASSANDRA_ROWS


def test_cassandra_with_its_default_loses_acknowledged_rows(disk: Disk) -> None:
    found = after_a_cut(disk, a_cassandra(disk.path, "periodic"), fill_cassandra, found_in_cassandra)

    assert isinstance(found, int)
    assert found < CASSANDRA_ROWS


def a_mariadb(folder: Path, extra: Mapping[str, object]) -> MariaDb:
    (port,) = free_ports(1)
    return MariaDb(load_settings(state_dir=folder), new_folder(folder, "mariadb"), {"mariadb": port}, extra=extra)


def test_mariadb_keeps_transactions_and_tables(disk: Disk) -> None:
    assert after_a_cut(disk, a_mariadb(disk.path, {}), fill_mysql, found_in_mysql) == MYSQL_ROWS


def test_mariadb_that_flushes_once_a_second_loses_acknowledged_transactions(disk: Disk) -> None:
    once_a_second = {"innodb-flush-log-at-trx-commit": 0}

    found = after_a_cut(disk, a_mariadb(disk.path, once_a_second), fill_mysql, found_in_mysql)

    assert isinstance(found, int)
    assert found < MYSQL_ROWS


@pytest.mark.parametrize(
    ("cut", "flush", "expected"),
    [
        (1, NOT_FLUSHED, (KAFKA_RECORDS, KAFKA_RECORDS)),
        (NODES, NOT_FLUSHED, (0, 0)),
        (NODES, FLUSHED, (KAFKA_RECORDS, KAFKA_RECORDS)),
    ],
    ids=["one of three", "all three at once", "all three, flushed"],
)
def test_three_brokers_lose_records_only_if_all_lose_power_at_once(
    new_disk: Callable[[], Disk], tmp_path: Path, cut: int, flush: Mapping[str, object], expected: tuple[int, int]
) -> None:
    brokers, client = kafka_brokers(tmp_path / "unused")
    disks = [new_disk() for _ in brokers]
    on_disks = [
        replace(broker, folder=new_folder(disk.path, "broker"), extra={**broker.extra, **flush})
        for broker, disk in zip(brokers, disks, strict=True)
    ]
    with running(on_disks) as processes:
        fill_kafka(client)
        for process in processes[:cut]:
            process.kill()
        for disk in disks[:cut]:
            disk.cut()
        for process in processes[:cut]:
            process.spawn(print)
        for process in processes[:cut]:
            process.wait_ready(print)

        assert found_in_kafka(client) == expected
