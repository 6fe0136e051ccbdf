"""A proxy in front of MySQL that forwards COMMIT and then closes the connection: the client can't know the outcome."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from recruit_assets.runtime.settings import Settings, variable

COMMIT = b"\x03COMMIT"
"""COM_QUERY and its text, which follow the packet's four bytes of length and sequence number."""


@contextmanager
def commits_without_an_answer(settings: Settings, *, first: int) -> Iterator[tuple[Settings, Callable[[], int]]]:
    """Yields settings that use the proxy, and a function that counts the commits cut off, at most the `first` ones.

    Only commits of report hours count: those on a connection that has sent an INSERT into mysql_report.
    """
    proxy = _Proxy((settings.mysql_host, settings.mysql_port), first)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(variable("mysql_port"), str(proxy.port))  # for Dagster's EnvVars
        try:
            yield settings.model_copy(update={"mysql_port": proxy.port}), lambda: proxy.cut
        finally:
            proxy.close()


class _Proxy:
    def __init__(self, server: tuple[str, int], limit: int) -> None:
        self._server, self._limit = server, limit
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()
            wrote = False
            while data := _received(client):
                wrote = wrote or b"INSERT INTO mysql_report" in data
                if wrote and data[4:] == COMMIT and self.cut < self._limit:
                    self.cut += 1
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                    server.recv(1)  # the server has committed
                    return
                server.sendall(data)


def _copy(source: socket.socket, target: socket.socket) -> None:
    while data := _received(source):
        try:
            target.sendall(data)
        except OSError:
            return


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
