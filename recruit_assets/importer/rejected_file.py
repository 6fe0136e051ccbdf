"""FILE.rejected.jsonl: the refused rows of a file with their reasons, to be corrected and imported by themselves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from recruit_assets.importer.rows import REJECTED, RefusedRow
from recruit_assets.runtime.errors import UserError

SUFFIX = ".rejected.jsonl"


def rejected_path(source: Path) -> Path:
    return source.with_name(source.name + SUFFIX)


@contextmanager
def rejected_file(path: Path) -> Iterator[Callable[[RefusedRow], None]]:
    """Yields a function that writes a row. The file is there after a block without error; none without rows."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield lambda row: _write(file.write, row)
        if partial.stat().st_size:
            partial.replace(path)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write(write: Callable[[bytes], object], row: RefusedRow) -> None:
    why = {"line": row.number, "reason": row.reason, "message": row.message}
    if row.text:
        why["text"] = row.text
    write(orjson.dumps({REJECTED: why, **row.fields}, option=orjson.OPT_APPEND_NEWLINE))
