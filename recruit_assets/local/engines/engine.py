"""What every engine is to the code that runs it.

Belongs here: the names, the seam that each engine fills, and what is reported of it. Not here: any engine's own
configuration (its module), processes (`processes`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Echo = Callable[[str], None]
"""Takes one line for the person who waits."""

HOST = "127.0.0.1"


class EngineName(StrEnum):
    """The engines, in the order in which they are started: the slowest first."""

    SPARK = "spark"
    CASSANDRA = "cassandra"
    KAFKA = "kafka"
    MARIADB = "mariadb"


class EngineState(StrEnum):
    """What is known of an engine's process."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run; `environment` is all that it sees."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_stdin: bool = False
    """Its standard input stays open and silent; else it is at its end."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine as found now: pid, uptime and memory only while it has a process.

    `note` is why it died, or what keeps it from its work, if known.
    """

    name: EngineName
    state: EngineState
    log: Path
    port: int | None = None
    pid: int | None = None
    uptime_s: float | None = None
    rss_bytes: int | None = None
    note: str = ""


class Engine(Protocol):
    """A program that serves one store."""

    @property
    def name(self) -> EngineName: ...

    @property
    def folder(self) -> Path:
        """Its part of the state directory: configuration, data, log, process record."""

    @property
    def mark(self) -> str:
        """An argument that no other process has."""

    @property
    def ports(self) -> Mapping[str, int]:
        """All ports kept for it, by what they are for; the first is the clients'. None where it chooses itself."""

    @property
    def lock(self) -> str:
        """The lock that lists its program's files."""

    def prepare(self, echo: Echo) -> Command:
        """Write the configuration, create the data if there are none, and say how to run it."""

    def probe(self) -> None:
        """Make a real request; StoreUnavailable while it can't be answered."""

    def endpoints(self) -> Mapping[str, str | int]:
        """How clients reach it, by Settings field name."""
