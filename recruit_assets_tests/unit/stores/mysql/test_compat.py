"""The private API of PyMySQL that we use works as we expect in the installed version."""

import socket
from importlib.metadata import version

import pymysql

from recruit_assets.stores.mysql.compat import CHECKED_WITH, drop_connection


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


def test_a_dropped_connection_sends_nothing_to_the_server() -> None:
    """`close()` sends COM_QUIT first, and waits if the server is frozen."""
    ours, servers = socket.socketpair()
    connection = pymysql.Connection(defer_connect=True)
    connection._sock = ours  # type: ignore[attr-defined]  # in place of a connection to a server
    assert connection.open

    drop_connection(connection)

    assert not connection.open
    with servers:
        assert servers.recv(100) == b""
