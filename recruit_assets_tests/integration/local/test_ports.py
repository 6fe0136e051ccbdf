"""Choosing and keeping free ports, and naming the program that uses one."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from recruit_assets.local.engines.ports import EPHEMERAL, LOWEST, free_ports, holder_of, is_free, keep_ports, read_ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_chosen_ports_are_distinct_and_below_the_ephemeral_range() -> None:
    """An outgoing connection can take any ephemeral port, even that of a stopped engine."""
    ports = free_ports(50)

    assert len(set(ports)) == 50
    assert all(LOWEST <= port < int(EPHEMERAL.read_text().split()[0]) for port in ports)


def test_ports_are_kept_and_new_names_get_new_ones(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    keep_ports(file, ["kafka"])
    kept = read_ports(file)

    keep_ports(file, ["kafka", "mariadb"])

    assert read_ports(file)["kafka"] == kept["kafka"]
    assert len(set(read_ports(file).values())) == 2
    assert read_ports(file).keys() == {"kafka", "mariadb"}


def test_a_copied_folder_gets_ports_of_its_own(tmp_path: Path) -> None:
    """The engines of the original may be running."""
    original, copy = tmp_path / "original" / "ports.json", tmp_path / "copy" / "ports.json"
    keep_ports(original, ["kafka"])
    shutil.copytree(original.parent, copy.parent)

    assert read_ports(copy) == {}
    keep_ports(copy, ["kafka"])
    assert read_ports(copy).keys() == {"kafka"}


def test_a_port_with_a_listener_is_in_use_and_the_listener_is_named(taken_port: int) -> None:
    assert not is_free(taken_port)
    assert f"(pid {os.getpid()})" in holder_of(taken_port)


def test_a_port_with_a_connection_in_time_wait_is_free(taken_port: int) -> None:
    """A stopped engine leaves its connections in TIME_WAIT for a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first has the TIME_WAIT
            assert client.recv(1) == b""

    assert is_free(port)
