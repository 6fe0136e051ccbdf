"""What a broker says right before it hangs up, as it does when it refuses a login over TLS."""

from collections.abc import Iterator

from kafka.errors import KafkaConnectionError
from kafka.net import manager

from recruit_assets.stores.kafka import connection as kafka_connection  # noqa: F401  # what it does to the client is under test

REASON = b"Authentication failed"


class HungUp:
    """A TLS socket whose peer sent the reason and closed."""

    def __init__(self) -> None:
        self._arriving: Iterator[bytes] = iter([REASON])

    def recv(self, size: int) -> bytes:
        return next(self._arriving, b"")

    def getpeername(self) -> tuple[str, int]:
        raise OSError("not connected")


def test_the_reason_is_handed_over_before_the_end_is_seen() -> None:
    transport = object.__new__(manager.KafkaSSLTransport)  # connects, otherwise
    transport._sock, transport._closed = HungUp(), False

    received, error = transport._sock_recv()
    assert (received, error) == (REASON, None)

    received, error = transport._sock_recv()
    assert (received, type(error)) == (b"", KafkaConnectionError)
