"""`recruit-assets restore`: makes local engines from a backup."""

from pathlib import Path
from typing import Annotated

import typer

from recruit_assets.cli.progress import progress_bars
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import load_settings


def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` has written")]) -> None:
    """Restore a backup into an empty state directory (RECRUIT_STATE_DIR), of any path, user or machine.

    Every checksum is compared before anything gets its place. A damaged backup leaves the directory without data.
    """
    from recruit_assets.local import backup

    with progress_bars() as progress:
        backup.restore(load_settings(), file, echo=echo, progress=progress)
