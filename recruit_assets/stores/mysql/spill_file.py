"""Rows on disk between Spark and the transaction that writes them, which may have to be retried.

A million report rows take most of a gigabyte as Python objects, a chunk about a megabyte. And since Spark has finished
before the transaction begins, no row of the report is locked while it works.
"""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import Any

from recruit_assets.runtime.chunks import in_chunks

Row = tuple[Any, ...]

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Most hours stay below this and never touch the disk."""


class SpillFile:
    """Rows, stored in chunks, written once, read any number of times."""

    def __init__(self, file: "SpooledTemporaryFile[bytes]", chunk_rows: int) -> None:
        self._file, self._chunk_rows = file, chunk_rows

    def fill(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Store the rows chunk by chunk and pass them on; the caller must consume all of them."""
        for chunk in in_chunks(rows, self._chunk_rows):
            pickle.dump(chunk, self._file, pickle.HIGHEST_PROTOCOL)
            yield from chunk

    def read(self) -> Iterator[Row]:
        """All rows, from the first."""
        end = self._file.seek(0, 2)
        self._file.seek(0)
        while self._file.tell() < end:
            yield from pickle.load(self._file)  # noqa: S301  # this process wrote it, to an unnamed file


@contextmanager
def open_spill_file(*, chunk_rows: int) -> Iterator[SpillFile]:
    """An empty spill file, deleted on leaving."""
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        yield SpillFile(file, chunk_rows)
