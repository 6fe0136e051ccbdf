"""A server that poses as MySQL and asks for the password in clear text."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

CAPABILITIES = 0x0000_0001 | 0x0000_0008 | 0x0000_0200 | 0x0000_8000 | 0x0008_0000
"""LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH: no TLS."""
SALT = b"12345678", b"901234567890"
TIMEOUT_S = 20


class Impostor:
    """What it heard, from the login packet on, and the port it listens on."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard = b""


@contextmanager
def impostor(plugin: bytes) -> Iterator[Impostor]:
    """One that asks each client to log in with this plugin."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Impostor(server.getsockname()[1])
        thread = Thread(target=_serve, args=(server, plugin, found), daemon=True)
        thread.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
        thread.join(TIMEOUT_S)


def _serve(server: socket.socket, plugin: bytes, found: Impostor) -> None:
    with suppress(OSError):  # the server was shut down
        while True:
            client, _ = server.accept()
            with client, suppress(OSError):
                client.settimeout(TIMEOUT_S)
                client.sendall(_packet(0, _greeting()))
                found.heard += client.recv(4096)
                client.sendall(_packet(2, b"\xfe" + plugin + b"\0" + b"\x04Password: "))
                found.heard += client.recv(4096)


def _greeting() -> bytes:
    """https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html"""
    capabilities = CAPABILITIES.to_bytes(4, "little")
    return (
        b"\x0a8.4.0\0" + (1).to_bytes(4, "little") + SALT[0] + b"\0" + capabilities[:2] + b"\xff\x02\0"
        + capabilities[2:] + b"\x15" + bytes(10) + SALT[1] + b"\0mysql_native_password\0"
    )  # fmt: skip


def _packet(sequence: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload
