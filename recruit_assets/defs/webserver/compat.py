"""Dagster's web server with our checks in front of it, which its command has no option for.

Checked with CHECKED_WITH. After an upgrade, `unit/defs/webserver/test_compat.py` shows what has changed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget, WorkspaceLoadTarget
from dagster_webserver.cli import DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_MAX_OVERFLOW, DEFAULT_POOL_RECYCLE
from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from recruit_assets.defs.launcher.forkserver import DEFINITIONS
from recruit_assets.stores.dagster.instance import LOCATION

CHECKED_WITH = {"dagster-webserver": "1.13.27"}

POLL_MS = 2_000
"""How often an open page asks for news of assets: the default of `dagster-webserver`."""


class CheckedWebserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """Runs the checks before each request; one that may not operate gets Dagster's read-only mode."""

    def __init__(
        self,
        process: WorkspaceProcessContext,
        checks: Sequence[Middleware],
        *,
        may_operate: Callable[[HTTPConnection], bool],
    ) -> None:
        super().__init__(process, live_data_poll_rate=POLL_MS)
        self._checks = checks
        self._may_operate = may_operate

    def build_middleware(self) -> list[Middleware]:
        return [*self._checks, *super().build_middleware()]

    def _make_request_context(self, conn: HTTPConnection) -> WorkspaceRequestContext:
        context = super()._make_request_context(conn)
        context._read_only = not self._may_operate(conn)
        return context


@contextmanager
def checked_app(
    instance: dg.DagsterInstance,
    workspace: Path | None,
    checks: Sequence[Middleware],
    *,
    may_operate: Callable[[HTTPConnection], bool],
) -> Iterator[Starlette]:
    """The UI of the workspace as an ASGI application, while the context is open. None: our code location."""
    instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
    with WorkspaceProcessContext(instance, workspace_load_target=load_target(workspace)) as process:
        yield CheckedWebserver(process, checks, may_operate=may_operate).create_asgi_app()


def load_target(workspace: Path | None) -> WorkspaceLoadTarget:
    """What the workspace names; without one, our code, whatever the current folder has."""
    if workspace is not None:
        return WorkspaceFileTarget([str(workspace)])
    return ModuleTarget(DEFINITIONS, attribute=None, working_directory=None, location_name=LOCATION)
