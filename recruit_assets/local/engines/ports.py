"""Free ports on 127.0.0.1, chosen once and kept, so that two checkouts run side by side.

Belongs here: choosing, keeping, and who holds a port that should be free. Not here: what a port is for (each engine).
"""

import json
import random
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from recruit_assets.local.engines.engine import HOST
from recruit_assets.runtime.files import write_private

LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1_000
LETTING_GO_S = 2
POLL_S = 0.1


def read_ports(file: Path) -> dict[str, int]:
    """The ports in the file, by what they are for; none where there is no file."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def keep_ports(file: Path, names: Sequence[str]) -> None:
    """Have a port in the file for each name; those that are there stay."""
    kept = read_ports(file)
    missing = [name for name in names if name not in kept]
    if missing:
        chosen = free_ports(len(missing), exclude=kept.values())
        write_private(file, json.dumps(kept | dict(zip(missing, chosen, strict=True)), indent=1))


def free_ports(count: int, *, exclude: Collection[int] = ()) -> list[int]:
    """Different ports that nobody listens on, below the range that outgoing connections are given theirs from.

    A port from that range would be taken by any client's connection while the engine is stopped.
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
    """Whether a server could listen on it now."""
    holder = _bind(port)
    if holder is not None:
        holder.close()
    return holder is not None


def becomes_free(port: int) -> bool:
    """Whether it is free, or soon: a server that has just been killed may take a moment to let go of it."""
    deadline = time.monotonic() + LETTING_GO_S
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def holder_of(port: int) -> str:
    """The program that listens on a port, as far as this user may see."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another user's program"


def _bind(port: int) -> socket.socket | None:
    holder = socket.socket()
    # connections of the last run that linger in TIME_WAIT don't count, a listener does
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
        holder.listen()
    except OSError:
        holder.close()
        return None
    return holder
