"""The private API of kafka-python that we use works as we expect in the installed version.

With a broker, `integration/test_kafka_group.py` tries `request_rejoin`, `integration/test_offsets.py` `known_topic_id`
and `integration/test_cut_log.py` `seek_with_epoch`.
"""

import socket
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from kafka import KafkaAdminClient
from kafka.errors import SaslAuthenticationFailedError
from kafka.net.connection import KafkaConnection

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka import connection
from recruit_assets.stores.kafka.compat import CHECKED_WITH
from recruit_assets.stores.kafka.connection import connecting, connection_options


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
