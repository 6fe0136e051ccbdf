"""What one run keeps in this process: open connections, and what each of its steps has read.

Dagster creates a nested resource once for each resource and IO manager that uses it, so what the whole run shares can't
be an attribute of a resource.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from recruit_assets.hours.replacement import Step

Connection = TypeVar("Connection")


class RunScope:
    """Shared by the resources and IO managers of a run; the first of them that is torn down closes it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._connections: dict[Hashable, object] = {}
        self._steps: dict[str, Step] = {}

    def connection(self, key: Hashable, open_it: Callable[[], AbstractContextManager[Connection]]) -> Connection:
        """The run's connection with this key, opened at its first use: opening takes as long as a whole check."""
        if key not in self._connections:
            self._connections[key] = self._stack.enter_context(open_it())
        return cast("Connection", self._connections[key])

    def once(self, key: Hashable, make: Callable[[], Connection]) -> Connection:
        """The run's object with this key, made at its first use."""
        return self.connection(key, lambda: nullcontext(make()))

    def step(self, name: str, begin: Callable[[], Step]) -> Step:
        """The step with this name, begun at its first input."""
        if name not in self._steps:
            self._steps[name] = begin()
        return self._steps[name]

    def end_step(self, name: str, begin: Callable[[], Step]) -> Step:
        """The step with this name, whose output is about to be stored; a retry of it starts over."""
        return self._steps.pop(name, None) or begin()

    def close(self) -> None:
        self._connections.clear()
        self._steps.clear()
        self._stack.close()


_scopes: WeakValueDictionary[str, RunScope] = WeakValueDictionary()


def run_scope(run_id: str) -> RunScope:
    """The scope of the run in this process; it is dropped with the last resource that uses it."""
    return _scopes.setdefault(run_id, RunScope())
