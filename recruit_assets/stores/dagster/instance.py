"""Which Dagster instance this checkout uses: DAGSTER_HOME, or a home of its own in the state directory.

Belongs here: finding and making the home, so that `up`, `materialize` and `demo` all show their runs in one UI. Not
here: the instance's settings, which are dagster.yaml's at the root of the repository.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

import recruit_assets
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings

HOME_VARIABLE = "DAGSTER_HOME"
CONFIG_FILE = "dagster.yaml"
REPOSITORY = Path(recruit_assets.__file__).resolve().parent.parent
WORKSPACE_FILE = REPOSITORY / "workspace.yaml"


def ensure_dagster_home(settings: Settings) -> Path:
    """The home, made where missing and put into this process's environment for Dagster and for child processes."""
    given = os.environ.get(HOME_VARIABLE)
    home = Path(given).expanduser() if given else settings.state_dir / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not given:
            _link_config(home)
    except OSError as error:
        raise UserError(
            f"Dagster's home {home} can't be made: {error}. Set {HOME_VARIABLE} to another place"
        ) from error
    os.environ[HOME_VARIABLE] = str(home)
    return home


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of that home, disposed of on leaving."""
    ensure_dagster_home(settings)
    with dg.DagsterInstance.get() as instance:
        yield instance


def _link_config(home: Path) -> None:
    """A link and not a copy: a change of the repository's file is in force at the next start."""
    source, link = REPOSITORY / CONFIG_FILE, home / CONFIG_FILE
    if not source.exists():
        raise UserError(f"{source} is missing: run from a checkout, or set {HOME_VARIABLE} to a home with one")
    if not (link.is_symlink() and link.readlink() == source):
        link.unlink(missing_ok=True)
        link.symlink_to(source)
