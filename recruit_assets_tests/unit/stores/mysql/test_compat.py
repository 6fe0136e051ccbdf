"""What we use of PyMySQL beside its public API works as we expect in the installed version."""

import socket
from importlib.metadata import version

import pymysql

from recruit_assets.stores.mysql.compat import CHECKED_WITH, drop_connection


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


def test_a_dropped_connection_is_closed_without_a_word_to_the_server() -> None:
    """`close()` says COM_QUIT first, and a frozen server makes it wait."""
    ours, servers = socket.socketpair()
    connection = pymysql.Connection(defer_connect=True)
    connection._sock = ours  # type: ignore[attr-defined]  # in place of a connection to a server
    assert connection.open

    drop_connection(connection)

    assert not connection.open
    with servers:
        assert servers.recv(100) == b""
