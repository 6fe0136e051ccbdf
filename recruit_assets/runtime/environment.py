"""What a process of ours sets right before it begins, whatever the shell or other software has left for it."""

import io
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from tempfile import gettempdir

from recruit_assets.runtime.errors import UserError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
REQUIRED = ("dagster", "pyspark", "py4j", "pandas", "numpy", "kafka", "cassandra", "pymysql")
"""Packages of which another version stops us from working, and that other software puts on PYTHONPATH."""
LONGEST_TMPDIR = 70
"""A socket's path has at most 107 bytes."""


def prepare_process() -> None:
    """Call this first in a process's main function; UserError if its Python can't import what we need."""
    _open_standard_streams()
    bypass_proxies_on_loopback()
    _require_own_interpreter(Path(sys.argv[0]))
    require_own_packages()
    if sys.flags.optimize > 1:
        raise UserError("PYTHONOPTIMIZE=2 removes docstrings, without which pyspark can't be imported: unset it")


def bypass_proxies_on_loopback() -> None:
    """No client of this process or its children asks a proxy for an address of this machine.

    gRPC, requests and urllib send even these to the proxy of http_proxy or ALL_PROXY if no_proxy doesn't name them.
    """
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    hosts += [host for host in LOOPBACK if host not in hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*" if "*" in hosts else ",".join(hosts)


def require_own_packages() -> None:
    """UserError if PYTHONPATH has another version of an installed package that we need, such as Spark's own pyspark."""
    given = {str(Path(each).absolute()) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each}
    ours = [each for each in sys.path if each not in given]
    for name in REQUIRED if given else ():
        hiding, hidden = PathFinder.find_spec(name, list(given)), PathFinder.find_spec(name, ours)
        if hiding and hiding.origin and hidden:  # a folder without an __init__.py hides nothing
            raise UserError(f"PYTHONPATH has another {name}, {hiding.origin}: unset PYTHONPATH or remove that folder")


def require_short_tmpdir() -> None:
    """UserError if the folder for temporary files has too long a path for sockets in it, which Dagster puts there."""
    if len(os.fsencode(gettempdir())) > LONGEST_TMPDIR:
        raise UserError(f"TMPDIR {gettempdir()} is longer than {LONGEST_TMPDIR} bytes, too long for sockets in it")


def _require_own_interpreter(script: Path) -> None:
    """UserError if the script is in a copied virtual environment: its first line runs the original's code."""
    environment = script.resolve().parent.parent
    if (environment / "pyvenv.cfg").exists() and environment != Path(sys.prefix).resolve():
        raise UserError(
            f"{environment} is a copy that still runs the code of {sys.prefix}: remove it, then run `make install`"
        )


def _open_standard_streams() -> None:
    """Give a stream that is closed /dev/null; print what its encoding lacks as escapes, which the error stream does."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123  # until the process ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
