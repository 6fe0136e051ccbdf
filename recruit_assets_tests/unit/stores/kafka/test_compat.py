"""The private API of kafka-python that we use works as we expect in the installed version.

`test_record_batches.py` tries the fetcher's. With a broker, `integration/test_kafka_group.py` tries `request_rejoin`,
`integration/test_offsets.py` `known_topic_id` and `integration/test_cut_log.py` `seek_with_epoch`.
"""

import socket
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from kafka import KafkaAdminClient
from kafka.errors import SaslAuthenticationFailedError
from kafka.net.connection import KafkaConnection
from kafka.record.default_records import DefaultRecordBatchBuilder

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka import connection
from recruit_assets.stores.kafka.compat import CHECKED_WITH, NULL, allow_nulls
from recruit_assets.stores.kafka.connection import connecting, connection_options
from recruit_assets.stores.kafka.record_batches import HeaderName
from recruit_assets_tests.support.record_batches import all_records, fetched


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


@pytest.fixture
def listener() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        yield f"{host}:{port}"


def test_a_refused_login_is_found_in_the_clients_log(listener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client itself only says that it found no broker."""

    async def refuse(*_: object, **__: object) -> None:
        raise SaslAuthenticationFailedError("wrong password")

    monkeypatch.setattr(KafkaConnection, "initialize", refuse)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_MS", 500)
    settings = load_settings(kafka_bootstrap=listener, kafka_tls_ca="off", kafka_user="u", kafka_password="p")

    with (
        pytest.raises(UserError, match=r"refuses the login of user u: .*wrong password.*Check RECRUIT_KAFKA_USER"),
        connecting(settings, "an admin client"),
    ):
        KafkaAdminClient(**connection_options(settings))


def sent_and_read(
    headers: list[tuple[str, bytes | None]], *, key: bytes | None = b"k", value: bytes | None = b"v"
) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]:
    """Key, value and headers of records that the client encoded and our reader decoded."""
    allow_nulls()
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1_000_000)
    builder.append(0, 1, b"before", None, [("plain", b"1")])
    builder.append(1, 1, key, value, headers)
    builder.append(2, 1, b"after", b"", [])
    return [(one.key, one.value, one.headers) for one in all_records(fetched(bytes(builder.build())))]


def test_header_names_that_are_not_utf8_are_read_and_sent_again_as_they_were() -> None:
    name = HeaderName(b"\xff\x00\xed\xa0\x80 name".decode(errors="surrogateescape"))

    before, (_, _, ((found, value),)), after = sent_and_read([(name, b"1")])

    assert (found.encode(), value) == (b"\xff\x00\xed\xa0\x80 name", b"1")
    assert (before, after) == ((b"before", None, [("plain", b"1")]), (b"after", b"", []))
    assert sent_and_read([(found, b"1")])[1] == (b"k", b"v", [(name, b"1")])


def test_null_is_sent_where_the_client_takes_bytes_only() -> None:
    equal = bytes(bytearray(NULL))

    assert sent_and_read([("a", NULL), ("b", equal)], key=NULL)[1] == (None, b"v", [("a", None), ("b", equal)])
