"""The Dagster home: DAGSTER_HOME, or a folder in the state directory.

`up`, `materialize` and `demo` share it, so one UI shows all their runs. Its settings are the package's dagster.yaml,
which in a checkout is a link to the repository's.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError
from yaml import YAMLError

import recruit_assets
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import private_folder
from recruit_assets.runtime.places import folder
from recruit_assets.runtime.settings import Settings

HOME_VARIABLE = "DAGSTER_HOME"
CONFIG_FILE = "dagster.yaml"
PACKAGE = Path(recruit_assets.__file__).resolve().parent
CONFIG = PACKAGE / CONFIG_FILE
REPOSITORY = PACKAGE.parent
LOCATION = "recruit_assets"
"""The code location's name, as in workspace.yaml; Dagster labels runs and keeps the state of sensors by it."""


def dagster_home(settings: Settings) -> Path:
    """Where the home is, or would be created; UserError if the path in DAGSTER_HOME can't be used."""
    given = os.environ.get(HOME_VARIABLE)
    try:
        return folder(Path(given)) if given else settings.state_dir / "dagster"
    except ValueError as error:
        raise UserError(f"{HOME_VARIABLE}: {error}") from error


def ensure_dagster_home(settings: Settings) -> Path:
    """Create the home if it is missing, and set DAGSTER_HOME for this process and its children."""
    given, home = os.environ.get(HOME_VARIABLE), dagster_home(settings)
    try:
        if given:
            home.mkdir(parents=True, exist_ok=True)
        else:
            private_folder(home)  # the output of runs is in it
            _link_config(home)
    except OSError as error:
        raise UserError(
            f"cannot create Dagster's home {home}: {error}. Set {HOME_VARIABLE} to another folder"
        ) from error
    os.environ[HOME_VARIABLE] = str(home)
    return home


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of that home, closed on exit; UserError if its files can't be used."""
    with _opened(ensure_dagster_home(settings)) as instance:
        yield instance


@contextmanager
def open_existing_instance(settings: Settings) -> Iterator[dg.DagsterInstance | None]:
    """As `open_instance`, but nothing is created: None if the home has no dagster.yaml yet."""
    home = dagster_home(settings)
    if not (home / CONFIG_FILE).exists():
        yield None
        return
    os.environ[HOME_VARIABLE] = str(home)
    with _opened(home) as instance:
        yield instance


@contextmanager
def _opened(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of DAGSTER_HOME, which is this folder."""
    try:
        opened = dg.DagsterInstance.get()
        opened.get_runs_count()  # the database is opened at its first use
    except (dg.DagsterError, SQLAlchemyError, YAMLError) as error:
        raise UserError(
            f"Dagster's home {home} can't be used: {_reason(error)}. Mend it, move it away, or set {HOME_VARIABLE} to "
            "another"
        ) from error
    with opened as instance:
        yield instance


def _reason(error: Exception) -> str:
    """The error in one line, without the stack traces and the whole schema that a wrong dagster.yaml costs."""
    if not isinstance(error, dg.DagsterInvalidConfigError):
        return str(error).strip().partition("\n")[0]
    text = error.errors[0].message.partition("Stack Trace:")[0].partition(" Expected:")[0]
    return f"{CONFIG_FILE}: {' '.join(text.split())}".removesuffix(".")


def _link_config(home: Path) -> None:
    """A link, not a copy: a change to the package's file takes effect at the next start.

    A file, or a link to one, that somebody else has put there stays, and is in force.
    """
    link = home / CONFIG_FILE
    if not CONFIG.exists():
        raise UserError(
            f"{CONFIG} is missing: install the package again, or set {HOME_VARIABLE} to a home that has one"
        )
    if link.exists() and not is_our_config(link):
        return
    if not (link.is_symlink() and link.readlink() == CONFIG):
        new = home / f".{CONFIG_FILE}.{os.getpid()}"
        new.symlink_to(CONFIG)
        new.replace(link)  # in one step: another command may read it at the same time


def is_our_config(link: Path) -> bool:
    """Whether it is a link to the dagster.yaml of a checkout or of an installed package, this one or another."""
    found = link.resolve().parent
    package = found if found.name == PACKAGE.name else found / PACKAGE.name
    return link.is_symlink() and (package / "__init__.py").exists()
