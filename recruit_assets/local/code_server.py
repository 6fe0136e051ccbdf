"""The code server that `up` runs, for web server and daemon together.

Given workspace.yaml, each of them would start one of its own, and the web server wouldn't notice when that dies: the
page says that the code is loaded, and each launch fails. A server that somebody else runs is watched by both. When it
is back, they load the code again.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from recruit_assets.defs.launcher.forkserver import DEFINITIONS
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.instance import LOCATION

WORKSPACE_FILE = "workspace.yaml"


@dataclass(frozen=True, slots=True)
class CodeServer:
    """Its command, and the workspace with which Dagster's programs find it."""

    command: Sequence[str]
    workspace: Path


@contextmanager
def code_server(settings: Settings) -> Iterator[CodeServer]:
    """A code server to be started. It listens on a socket in a folder that only this user can enter."""
    # not in the state directory: the path of a socket has at most 107 bytes
    with TemporaryDirectory(prefix="recruit-") as folder:
        socket = str(Path(folder) / "code-server")
        workspace = settings.state_dir / WORKSPACE_FILE
        location = {"location_name": LOCATION, "socket": socket}
        atomic_write(workspace, json.dumps({"load_from": [{"grpc_server": location}]}))
        dagster = str(Path(sys.executable).parent / "dagster")
        options = ("--socket", socket, "--location-name", LOCATION, "--log-level", "warning")
        yield CodeServer([dagster, "api", "grpc", "--module-name", DEFINITIONS, *options], workspace)
