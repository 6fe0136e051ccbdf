"""Free ports on 127.0.0.1, chosen once and kept, so that two checkouts run side by side.

Belongs here: choosing, keeping, and who holds a port that should be free. Not here: what a port is for (each engine).
"""

import json
import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from recruit_assets.engines.engine import HOST
from recruit_assets.engines.records import write_private

LOWEST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1_000


def kept_ports(file: Path, names: Sequence[str]) -> dict[str, int]:
    """The ports of these names: those in the file, and for the others free ones that are added to it."""
    kept = _read(file)
    missing = [name for name in names if name not in kept]
    if missing:
        kept |= dict(zip(missing, free_ports(len(missing), exclude=kept.values()), strict=True))
        write_private(file, json.dumps(kept, indent=1))
    return {name: kept[name] for name in names}


def free_ports(count: int, exclude: object = ()) -> list[int]:
    """Different ports that nobody listens on, below the range that outgoing connections are given theirs from.

    A port from that range would be taken by any client's connection while the engine is stopped.
    """
    highest = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.is_file() else 32_768
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(TRIES):
            port = random.randint(LOWEST, max(highest - 1, LOWEST + 10_000))  # noqa: S311  # not a secret
            holder = None if port in set(exclude) else _bind(port)
            if holder is not None:
                held.enter_context(holder)
                found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no free port between {LOWEST} and {highest}")


def is_free(port: int) -> bool:
    holder = _bind(port)
    if holder is not None:
        holder.close()
    return holder is not None


def holder_of(port: int) -> str:
    """The program that listens on a port, as far as this user may see."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
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


def _read(file: Path) -> dict[str, int]:
    return dict(json.loads(file.read_text())) if file.is_file() else {}
