"""Files that a reader finds whole: the old one or the new one, never a part."""

import os
from pathlib import Path
from tempfile import mkstemp

from recruit_assets.runtime.errors import UserError


def write_private(file: Path, content: str) -> None:
    """Replace a file's content atomically, with mode 0600 from its first byte on."""
    descriptor, name = mkstemp(dir=file.parent, prefix=f".{file.name}.")  # 0600 by definition
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as partial:
            partial.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Write the file, whole or not at all, in a folder that is made where missing; UserError where it can't be."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}. Name another place") from error
