"""Sends a record batch to a broker byte by byte, as no client library would."""

import socket
import struct

from recruit_assets.runtime.settings import Settings

PRODUCE, VERSION, CORRELATION = 0, 7, 7


def send_batch(settings: Settings, batch: bytes, *, partition: int = 0) -> int:
    """Send the batch to the event topic's only broker, without TLS; returns Kafka's error code, 0 if it was stored."""
    topic = settings.kafka_topic.encode()
    body = struct.pack(
        f">hhih hhii h{len(topic)}s iii".replace(" ", ""),
        *(PRODUCE, VERSION, CORRELATION, -1),  # no client id
        *(-1, -1, 60_000, 1),  # no transaction, all replicas, time-out in ms, one topic
        *(len(topic), topic, 1, partition, len(batch)),
    )
    host, port = settings.kafka_bootstrap.split(",")[0].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=90) as broker:
        broker.sendall(struct.pack(">i", len(body) + len(batch)) + body + batch)
        answer = broker.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        response = answer.read(size)
    # correlation id, topics, name, partitions, partition
    (error,) = struct.unpack_from(">h", response, 4 + 4 + 2 + len(topic) + 4 + 4)
    return int(error)
