"""Writes files atomically: a reader finds the old content or the new, never a part, also after a power cut."""

import os
from pathlib import Path
from uuid import uuid4

from recruit_assets.runtime.errors import UserError


def atomic_write(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write or replace a file and create its folder; UserError if that fails.

    A private file has mode 0600 from its first byte on, whatever mode the file had that it replaces.
    """
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            partial.replace(path)
            sync(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}. Make room or choose another path") from error


def sync(path: Path) -> None:
    """Return when the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
