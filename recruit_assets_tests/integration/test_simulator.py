"""The simulator with real Kafka and MariaDB, and as a process."""

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import JobRow, load_jobs
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.reference_report import event_time
from recruit_assets_tests.support.simulations import END, a_spec, simulated
from recruit_assets_tests.support.waiting import wait_until

JOBS_SQL = "SELECT id, company_id, title FROM job ORDER BY id"


def everything_in(topic: str, settings: Settings) -> list[bytes | None]:
    """All values in the topic, partition by partition."""
    consumer = KafkaConsumer(**connection_options(settings), auto_offset_reset="earliest")
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    values: list[bytes | None] = []

    def read_to_the_end() -> bool:
        polled = consumer.poll(timeout_ms=200)
        values.extend(record.value for records in polled.values() for record in records)
        return all(consumer.position(partition) >= end for partition, end in ends.items())

    wait_until(read_to_the_end, 60, what="reading the topic to its end")
    consumer.close()
    return values


def command(*arguments: str) -> Sequence[str]:
    return [*RECRUIT_ASSETS, "simulate", *arguments]


def test_kafka_gets_exactly_the_records_and_the_report_database_the_jobs(settings: Settings) -> None:
    spec = replace(a_spec(events=4_000, malformed_share=0.1), reason_shares=())
    ledger = simulate_to_kafka(settings, spec)
    values, same_ledger = simulated(spec)

    assert ledger.as_document() == same_ledger.as_document()
    assert Counter(everything_in(settings.kafka_topic, settings)) == Counter(values)
    with open_report_database(settings) as database:
        found = database.query(JOBS_SQL)
    known = sorted(dimension_rows(site_jobs(spec.jobs)), key=lambda row: row.id)
    assert found == [(row.id, row.company_id, row.title) for row in known]


def test_first_hour_and_maximum_size_are_those_of_the_settings(settings: Settings) -> None:
    """With limits other than those of ingest, the ledger would be wrong."""
    ours = settings.model_copy(update={"first_hour": END - timedelta(hours=1), "max_event_bytes": 2_000})
    shares = ((DeadLetterReason.TOO_LARGE, 0.1), (DeadLetterReason.BEFORE_FIRST_HOUR, 0.1))
    simulate_to_kafka(ours, a_spec(events=300, malformed_share=0.0, reason_shares=shares))
    values = [value for value in everything_in(settings.kafka_topic, settings) if value]

    assert {len(value) for value in values if len(value) > 2_000} == {2_001, 2_500}
    assert min(event_time(json.loads(value)) for value in values) >= END - timedelta(days=2)


def test_every_partition_gets_records(settings: Settings) -> None:
    with open_publisher(settings) as publisher:
        for number in range(settings.kafka_partitions):
            publisher.send([b"%d" % number])
        publisher.finish()

    consumer = KafkaConsumer(**connection_options(settings))
    partitions = [TopicPartition(settings.kafka_topic, number) for number in range(settings.kafka_partitions)]
    ends = consumer.end_offsets(partitions)
    consumer.close()
    assert ends == dict.fromkeys(partitions, 1)


def test_records_that_the_broker_rejects_are_an_error(settings: Settings) -> None:
    """A ledger that counted them would be wrong."""
    admin = KafkaAdminClient(**connection_options(settings))
    limit = {"max.message.bytes": "100000", "message.timestamp.type": "LogAppendTime"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.kafka_topic, configs=limit)])
    admin.close()

    with open_publisher(settings) as publisher:
        publisher.send([b"fits", b"x" * 200_000])
        with pytest.raises(StoreUnavailable, match=settings.kafka_topic):
            publisher.finish()


def test_an_error_about_a_missing_topic_names_it(settings: Settings) -> None:
    missing = settings.model_copy(update={"kafka_topic": f"{settings.kafka_topic}.missing"})
    with (
        pytest.raises(StoreUnavailable, match=r"\.missing doesn't exist. Run `recruit-assets schema"),
        open_publisher(missing),
    ):
        pass


def test_loading_jobs_again_updates_them_and_leaves_the_others(settings: Settings) -> None:
    with open_report_database(settings) as database:
        load_jobs(database, [JobRow(1, 10, title="Köchin ☕"), JobRow(2, 20), JobRow(2**31 - 1, None, title="x" * 255)])
        load_jobs(database, [JobRow(2, None, title="neu"), JobRow(3, 30), JobRow(0, 5)])
        found = database.query(JOBS_SQL)

    assert found == [
        (0, 5, None),
        (1, 10, "Köchin ☕"),
        (2, None, "neu"),
        (3, 30, None),
        (2**31 - 1, None, "x" * 255),
    ]


def test_loading_no_jobs_changes_nothing(settings: Settings) -> None:
    with open_report_database(settings) as database:
        load_jobs(database, [])
        assert database.query(JOBS_SQL) == []


@pytest.mark.parametrize("bad", [JobRow(1, 2**31), JobRow(1, 1, title="x" * 256)])
def test_if_one_job_is_invalid_no_job_is_loaded(settings: Settings, bad: JobRow) -> None:
    with open_report_database(settings) as database:
        with pytest.raises(Inconsistent, match=r"MySQL at .* rejected the statement"):
            load_jobs(database, [JobRow(7, 7), bad])
        assert database.query(JOBS_SQL) == []


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Python's hash seed must not matter."""
    for name, hash_seed in (("a", "1"), ("b", "2")):
        arguments = [
            "--events",
            "2000",
            "--end",
            f"{END:%Y-%m-%d}",
            "--jsonl",
            f"{name}.jsonl",
            "--ledger",
            f"{name}.json",
        ]
        subprocess.run(command(*arguments), cwd=tmp_path, env={"PYTHONHASHSEED": hash_seed}, check=True, timeout=60)

    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_endless_run_with_its_ledger(settings: Settings, tmp_path: Path, how: signal.Signals) -> None:
    ledger = tmp_path / "ledger.json"
    arguments = ["--events", "0", "--live", "--rate", "200", "--malformed-share", "0", "--ledger", str(ledger)]
    process = subprocess.Popen(command(*arguments), cwd=tmp_path)  # the fixture exported the settings
    wait_until(lambda: process.poll() is not None or everything_in(settings.kafka_topic, settings), 60)
    process.send_signal(how)

    assert process.wait(30) == 0
    assert json.loads(ledger.read_bytes())["counts"]["records"] == len(everything_in(settings.kafka_topic, settings))


def test_an_interrupted_simulation_exits_with_130(settings: Settings, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    process = subprocess.Popen(command("--events", "100000", "--rate", "100", "--ledger", str(ledger)), cwd=tmp_path)
    wait_until(lambda: process.poll() is not None or everything_in(settings.kafka_topic, settings), 60)
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 130
    assert 0 < json.loads(ledger.read_bytes())["counts"]["records"] < 100_000
