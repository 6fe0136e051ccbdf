"""The interface of an engine to the code that runs it, and the status that is shown of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from recruit_assets.runtime.echo import Echo

HOST = "127.0.0.1"


class EngineName(StrEnum):
    """The engines in the order in which they start: the slowest first."""

    SPARK = "spark"
    CASSANDRA = "cassandra"
    KAFKA = "kafka"
    MARIADB = "mariadb"


class EngineState(StrEnum):
    """The state of an engine's process."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, with its complete environment."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_stdin: bool = False
    """True for an open, empty standard input; otherwise it is /dev/null."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The status of an engine; pid, uptime and memory are None without a process.

    `note` says why it died or why it can't work, if known.
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
        """Its folder in the state directory: configuration, data, log, process record."""

    @property
    def mark(self) -> str:
        """A command line argument that identifies its process."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Its ports by purpose, the clients' first; empty if the engine chooses its port itself."""

    @property
    def lock(self) -> str:
        """The lock with the files of its program."""

    def prepare(self, echo: Echo) -> Command:
        """Write the configuration, create the data if there are none, and return the command that runs it."""

    def probe(self) -> None:
        """Make a real request; StoreUnavailable if it isn't answered."""

    def endpoints(self) -> Mapping[str, str | int]:
        """The settings with which clients reach it, by Settings field name."""
