"""Free ports on 127.0.0.1, chosen once and stored, so that engines of several checkouts run side by side."""

import json
import random
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from recruit_assets.local.engines.engine import HOST
from recruit_assets.runtime.files import atomic_write, read_object

FOLDER = "folder"
"""The key of the file's own folder: in a copy of it, the ports are those of the engines that run in the original."""
LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1_000
RELEASE_TIMEOUT_S = 2
POLL_S = 0.1


def read_ports(file: Path) -> dict[str, int]:
    """The ports in the file by purpose; none if there is no file, or if it came here in a copy of another folder."""
    found = read_object(file, remedy="stop the engines' processes and remove it; other ports are chosen then")
    return found if found.pop(FOLDER, str(file.parent)) == str(file.parent) else {}


def keep_ports(file: Path, names: Sequence[str]) -> None:
    """Choose and store a port for each name that has none in the file."""
    kept = read_ports(file)
    missing = [name for name in names if name not in kept]
    if missing:
        chosen = free_ports(len(missing), exclude=kept.values())
        ports = kept | dict(zip(missing, chosen, strict=True))
        atomic_write(file, json.dumps({FOLDER: str(file.parent), **ports}, indent=1), private=True)


def free_ports(count: int, *, exclude: Collection[int] = ()) -> list[int]:
    """Distinct free ports below the ephemeral range.

    An outgoing connection could take a port in that range while the engine is stopped.
    """
    highest = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.is_file() else 32_768
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(TRIES):
            port = random.randint(LOWEST, max(highest - 1, LOWEST + 10_000))  # noqa: S311  # not a secret
            holder = None if port in exclude else _bind(port)
            if holder is not None:
                held.enter_context(holder)
                found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no free port between {LOWEST} and {highest}")


def is_free(port: int) -> bool:
    """True if a server could listen on the port now."""
    holder = _bind(port)
    if holder is not None:
        holder.close()
    return holder is not None


def becomes_free(port: int) -> bool:
    """True if the port is free within RELEASE_TIMEOUT_S: a killed server may take a moment to release it."""
    deadline = time.monotonic() + RELEASE_TIMEOUT_S
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def holder_of(port: int) -> str:
    """The program that listens on a port, as far as this user can see."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another user's program"


def _bind(port: int) -> socket.socket | None:
    holder = socket.socket()
    # ignore connections in TIME_WAIT of an earlier run, but not a listener
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
        holder.listen()
    except OSError:
        holder.close()
        return None
    return holder
