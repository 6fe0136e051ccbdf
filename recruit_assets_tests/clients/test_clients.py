"""Whatever a client sends, in whatever way, is ingested exactly. Run by `make test-clients`."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial

import pytest
from kafka.admin import NewPartitions
from py4j.java_gateway import JavaGateway

from recruit_assets.ingest.service import drain, topic_ends
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets_tests.clients.producers import (
    TRANSACTIONAL,
    AioProducer,
    ConfluentProducer,
    JavaProducer,
    Options,
    Producer,
    Record,
)
from recruit_assets_tests.integration.test_ingest import count_events, running_service
from recruit_assets_tests.support.java_gateway import java_gateway
from recruit_assets_tests.support.simulations import a_spec, all_valid, simulated, valid_values
from recruit_assets_tests.support.topics import audit, listed
from recruit_assets_tests.support.waiting import wait_until

OpenProducer = Callable[[Options], closing[Producer]]

HEADERS: Sequence[tuple[tuple[str, bytes | None], ...]] = (
    (),
    (("trace-id", b"\xff\x00"), ("trace-id", b"")),
    (("trace-id", None),),
)
WAYS: dict[str, Options] = {
    **{codec: {"compression.type": codec} for codec in ("gzip", "snappy", "lz4", "zstd")},
    **{f"acks {acks}": {"acks": acks} for acks in (0, 1, "all")},
    "idempotent": {"enable.idempotence": True, "acks": "all"},
    "large batches": {"batch.size": 900_000, "linger.ms": 500},
}


def as_records(values: Sequence[bytes | None]) -> list[Record]:
    """The values with keys, and by turns without a header, with headers and with one that is null."""
    return [Record(str(n).encode(), value, HEADERS[n % len(HEADERS)]) for n, value in enumerate(values)]


VALUES, LEDGER = simulated(a_spec(events=400, malformed_share=0.1, duplicate_share=0.05))
RECORDS = as_records(VALUES)
OTHERS = as_records(valid_values(all_valid(events=100, seed=8)))


@pytest.fixture(scope="module")
def gateway(engines: Settings) -> Iterator[JavaGateway]:
    with java_gateway(engines) as gateway:
        yield gateway


@pytest.fixture(params=["confluent-kafka", "aiokafka", "java"])
def open_producer(request: pytest.FixtureRequest, settings: Settings, gateway: JavaGateway) -> OpenProducer:
    """Opens a producer of the client that is tested."""
    clients: dict[str, Callable[[Settings, Options], Producer]] = {
        "confluent-kafka": ConfluentProducer,
        "aiokafka": AioProducer,
        "java": partial(JavaProducer, gateway=gateway),
    }
    return lambda options: closing(clients[request.param](settings, options))


def add_partitions(settings: Settings, count: int) -> None:
    with open_admin(settings) as admin:
        admin.create_partitions({settings.kafka_topic: NewPartitions(count)})


def has_arrived(settings: Settings, records: Sequence[Record]) -> bool:
    return sum(topic_ends(settings).values()) >= len(records)


def assert_exact(settings: Settings) -> None:
    """RECORDS, and nothing else, became rows and dead letters, and the group is at the topic's end."""
    letters = [one.letter for one in listed(settings)]

    assert uncommitted_records(settings) == 0
    assert count_events(settings) == LEDGER.counts["events"]
    assert Counter(letter.reason.value for letter in letters) == LEDGER.counts["dead_letters"]
    assert {(letter.key, letter.value, letter.headers) for letter in letters} <= set(RECORDS)
    assert audit(settings)[0] == {}


@pytest.mark.parametrize("way", WAYS)
def test_every_record_is_a_row_or_a_dead_letter(settings: Settings, open_producer: OpenProducer, way: str) -> None:
    with open_producer(WAYS[way]) as producer:
        producer.send(RECORDS)
    wait_until(lambda: has_arrived(settings, RECORDS), timeout_s=30, what="every record in Kafka")

    drain(settings)

    assert_exact(settings)


def test_only_committed_transactions_are_ingested(settings: Settings, open_producer: OpenProducer) -> None:
    with open_producer({TRANSACTIONAL: settings.kafka_topic}) as producer:
        producer.send(OTHERS, transaction="aborted")
        producer.send(RECORDS, transaction="committed")
        producer.send(OTHERS, transaction="aborted")

    drain(settings)

    assert_exact(settings)


def test_partitions_are_added_while_the_producer_and_ingest_run(
    settings: Settings, open_producer: OpenProducer
) -> None:
    with running_service(settings), open_producer({}) as producer:
        producer.send(RECORDS[::2])
        add_partitions(settings, 8)
        wait_until(lambda: producer.partitions() == 8, timeout_s=30, what="the new partitions in the producer")
        producer.send(RECORDS[1::2])
        wait_until(lambda: uncommitted_records(settings) == 0, timeout_s=90, what="lag 0")

    assert topic_ends(settings).keys() == set(range(8))
    assert_exact(settings)
