"""`recruit-assets backup`: writes what the local engines store to one file."""

from pathlib import Path
from typing import Annotated

import typer

from recruit_assets.cli.progress import progress_bars
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import load_settings


def backup(file: Annotated[Path, typer.Argument(help="The new file, such as /backups/2026-01-05.tar.zst")]) -> None:
    """Back up the local engines, which must be stopped: Kafka, Cassandra, MariaDB, and the history of Dagster's runs.

    The file isn't encrypted. Only its owner can read it, and it is there only once it is complete.
    """
    from recruit_assets.local.backup import back_up

    with progress_bars() as progress:
        back_up(load_settings(), file, echo=echo, progress=progress)
