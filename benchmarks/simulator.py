"""How fast the simulator writes to Kafka, with every record acknowledged and counted in its ledger.

The peer is a bare kafka-python producer that sends prepared values with the same guarantees (acks=all, idempotent).
"""

import time
from collections.abc import Sequence

from kafka import KafkaProducer

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import ListSink, simulate, simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.kafka.clients import open_consumer
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.offsets import end_offsets

EVENTS = 200_000
WARM_UP_EVENTS = 20_000
KEY = "simulator_events_per_s"


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Records per second, from the creation of the first to the acknowledgement of the last."""
    spec = SimulationSpec(events=EVENTS, seed=1)
    sink = ListSink()
    simulate(spec, sink)
    with engines.fresh_names("simulator") as settings:
        simulate_to_kafka(settings, SimulationSpec(events=WARM_UP_EVENTS, seed=2))
        found = interleaved(
            {
                "simulator": lambda: EVENTS / _simulated_s(settings, spec),
                "bare producer": lambda: EVENTS / _sent_s(settings, sink.values),
            },
            repeats,
        )
        require_records(settings, WARM_UP_EVENTS + 2 * repeats * EVENTS)
    ours = Side("simulate", "events/s", found["simulator"])
    peer = Side("bare kafka-python producer", "events/s", found["bare producer"])
    return [
        Figure(
            key=KEY,
            title="Simulator to Kafka",
            value=ours.median,
            unit="events/s",
            goal=Goal(at_least=20_000),
            ours=ours,
            peer=peer,
            notes=(f"{EVENTS:,} records per repeat, including the ledger's work; the peer sends prepared values",),
        )
    ]


def _simulated_s(settings: Settings, spec: SimulationSpec) -> float:
    started = time.perf_counter()
    simulate_to_kafka(settings, spec)
    return time.perf_counter() - started


def _sent_s(settings: Settings, values: Sequence[bytes | None]) -> float:
    """Sends many messages as kafka-python's documentation does, then waits for all of them."""
    started = time.perf_counter()
    producer = KafkaProducer(**connection_options(settings), acks="all", enable_idempotence=True, linger_ms=20)
    sent = [producer.send(settings.kafka_topic, value=value, key=b"" if value is None else None) for value in values]
    producer.flush()
    for future in sent:
        future.get(timeout=60)
    producer.close()
    return time.perf_counter() - started


def require_records(settings: Settings, wanted: int) -> None:
    """RuntimeError unless the event topic holds just so many records."""
    consumer = open_consumer(settings, group=None)
    try:
        found = sum(end_offsets(consumer, settings.kafka_topic).values())
    finally:
        consumer.close(autocommit=False)
    if found != wanted:
        raise RuntimeError(f"{settings.kafka_topic} holds {found} records, not the {wanted} that were acknowledged")
