"""Our ingest against the consumer that most people write first: one INSERT per message, formatted as text.

Measured with Cassandra's default commit log mode (periodic) and with the durable one (group), in which each row waits
for the disk.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster
from kafka import KafkaConsumer

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.ingest import OURS, Rows, SameRows, empty, ours, rows_in_kafka
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.types import Type
from recruit_assets.local.engines.cassandra import CommitlogSync
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.transforms.buckets import FIRST_LAYOUT

EVENTS = 400_000
PEER_EVENTS: Mapping[CommitlogSync, int] = {"periodic": 4_000, "group": 1_000}
"""A slow side needs fewer rows for a stable rate. Ours ingests these too, so that the rows can be compared."""
KEYS: Mapping[CommitlogSync, str] = {
    "periodic": "ingest_vs_row_at_a_time",
    "group": "ingest_vs_row_at_a_time_group",
}
GOALS: Mapping[CommitlogSync, float] = {"periodic": 20, "group": 120}


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Events per second of both, in both commit log modes."""
    with engines.commitlog("periodic"):
        periodic = _measured(engines, repeats, "periodic")
    return [periodic, _measured(engines, repeats, "group")]


def _measured(engines: BenchmarkEngines, repeats: int, sync: CommitlogSync) -> Figure:
    with rows_in_kafka(engines, EVENTS) as rows, rows_in_kafka(engines, PEER_EVENTS[sync]) as few_rows:
        ours(few_rows, same := SameRows(few_rows.events))
        found = interleaved(
            {
                "ours": lambda: ours(rows, SameRows(EVENTS)),
                "peer": lambda: row_at_a_time(few_rows, same),
            },
            repeats,
        )
    ours_side = Side(OURS, "events/s", found["ours"])
    peer = Side("an INSERT per message, as text", "events/s", found["peer"])
    return Figure(
        key=KEYS[sync],
        title=f"Kafka to Cassandra, against a row at a time ({sync} commit log)",
        value=ours_side.median / peer.median,
        unit="x",
        goal=Goal(at_least=GOALS[sync]),
        ours=ours_side,
        peer=peer,
        notes=(f"{EVENTS:,} events of ours and {PEER_EVENTS[sync]:,} of the peer per repeat", *rows.notes),
    )


def row_at_a_time(rows: Rows, checked: Callable[[Settings], None]) -> float:
    """Events per second, timed from the first message to the last answer; connecting isn't timed."""
    settings = rows.many
    empty(settings)
    consumer = KafkaConsumer(
        settings.kafka_topic,
        **connection_options(settings),
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    login = PlainTextAuthProvider(settings.cassandra_user, settings.cassandra_password.get_secret_value())
    cluster = Cluster(settings.contact_points, port=settings.cassandra_port, auth_provider=login)
    session = cluster.connect(settings.cassandra_keyspace)
    try:
        messages = iter(consumer)
        first = next(messages)
        started = time.perf_counter()
        session.execute(insert_statement(first.value, first.timestamp))
        for _ in range(rows.events - 1):
            message = next(messages)
            session.execute(insert_statement(message.value, message.timestamp))
        seconds = time.perf_counter() - started
    finally:
        consumer.close()
        cluster.shutdown()
    checked(settings)
    return rows.events / seconds


def insert_statement(value: bytes, received_at_ms: int) -> str:
    """The INSERT of a message's event."""
    event = json.loads(value)
    event_time_ms = _event_time_ms(event)
    hour_ms = event_time_ms - event_time_ms % 3_600_000
    slice_ = (event_time_ms - hour_ms) * FIRST_LAYOUT.slices // 3_600_000
    bucket = slice_ * FIRST_LAYOUT.shards + crc32(UUID(event["create_time"]).bytes) % FIRST_LAYOUT.shards
    cells = {column.name: _literal(event.get(column.name), column.type) for column in EVENT_COLUMNS}
    cells |= {"event_hour": str(hour_ms), "bucket": str(bucket)}
    cells |= {"event_time": str(event_time_ms), "received_at": str(received_at_ms)}
    present = {name: text for name, text in cells.items() if text is not None}
    return f"INSERT INTO raw_events ({', '.join(present)}) VALUES ({', '.join(present.values())})"


def _literal(value: object, type: Type) -> str | None:
    if value is None:
        return None
    if type is Type.TIMEUUID:
        return str(value)
    if type is Type.INT:
        return str(int(float(str(value))))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _event_time_ms(event: Mapping[str, Any]) -> int:
    if event.get("ts") is None:
        return (UUID(event["create_time"]).time - 0x01B21DD213814000) // 10_000
    moment = datetime.fromisoformat(event["ts"])
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return math.floor(moment.timestamp()) * 1000 + moment.microsecond // 1000
