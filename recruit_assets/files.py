"""Files that a reader finds whole: the old one or the new one, and never a part. Not here: what is in them."""

from pathlib import Path

from recruit_assets.errors import UserError


def replace_file(path: Path, content: bytes) -> None:
    """Write the file, whole or not at all, in a folder that is made where missing; UserError where it can't be."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}. Name another place") from error
