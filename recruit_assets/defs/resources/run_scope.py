"""A connection that is opened at its first use in a run and kept until the run ends: opening takes as long as a check.

Not here: how a store is connected to (`stores`), connections that outlive a run (`sensors.connections`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

Connection = TypeVar("Connection")


class Kept(Generic[Connection]):
    """At most one open connection."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._connection: Connection | None = None

    def get(self, opened: Callable[[], AbstractContextManager[Connection]]) -> Connection:
        """The connection, opened now if there is none."""
        if self._connection is None:
            self._connection = self._stack.enter_context(opened())
        return self._connection

    def close(self) -> None:
        self._connection = None
        self._stack.close()
