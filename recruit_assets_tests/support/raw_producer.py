"""Sends a record batch to a broker byte by byte, as no client library would."""

import socket
import struct

from recruit_assets.runtime.settings import Settings

PRODUCE, SASL_HANDSHAKE, SASL_AUTHENTICATE = (0, 7), (17, 1), (36, 0)
"""Numbers and versions of Kafka's requests."""
CORRELATION = 7


def send_batch(settings: Settings, batch: bytes, *, partition: int = 0) -> int:
    """Send the batch to the event topic's only broker, without TLS; returns Kafka's error code, 0 if it was stored."""
    topic = settings.kafka_topic.encode()
    body = struct.pack(
        f">hhii h{len(topic)}s iii".replace(" ", ""),
        *(-1, -1, 60_000, 1),  # no transaction, all replicas, time-out in ms, one topic
        *(len(topic), topic, 1, partition, len(batch)),
    )
    host, port = settings.kafka_bootstrap.split(",")[0].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=90) as broker:
        if settings.kafka_user:
            _log_in(broker, settings)
        response = _answer(broker, PRODUCE, body + batch)
    # topics, name, partitions, partition
    (error,) = struct.unpack_from(">h", response, 4 + 2 + len(topic) + 4 + 4)
    return int(error)


def _log_in(broker: socket.socket, settings: Settings) -> None:
    """A PLAIN login (RFC 4616)."""
    login = f"\0{settings.kafka_user}\0{settings.kafka_password.get_secret_value()}".encode()
    for request, body in ((SASL_HANDSHAKE, b"\0\5PLAIN"), (SASL_AUTHENTICATE, struct.pack(">i", len(login)) + login)):
        (error,) = struct.unpack_from(">h", _answer(broker, request, body))
        assert error == 0


def _answer(broker: socket.socket, request: tuple[int, int], body: bytes) -> bytes:
    """Send a request without client id; returns what follows the correlation id."""
    header = struct.pack(">hhih", *request, CORRELATION, -1)
    broker.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
    answer = broker.makefile("rb")
    (size,) = struct.unpack(">i", answer.read(4))
    return answer.read(size)[4:]
