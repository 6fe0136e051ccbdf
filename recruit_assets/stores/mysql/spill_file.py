"""Rows kept on disk between their source and the transaction that writes them, and may have to write them again.

A million report rows as Python objects take most of a gigabyte, a chunk of them a megabyte. And with the source read to
its end beforehand, no row of the report is locked while Spark works. Not here: what the rows are.
"""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

Row = tuple[Any, ...]

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Most hours never touch the disk."""


class SpillFile:
    """Rows in chunks, to be read as often as one likes."""

    def __init__(self, file: "SpooledTemporaryFile[bytes]", chunk_rows: int) -> None:
        self._file, self._chunk_rows = file, chunk_rows

    def fill(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Keep the rows; each is handed through once it is kept in its chunk, and all must be taken."""
        rows = iter(rows)
        while chunk := list(islice(rows, self._chunk_rows)):
            pickle.dump(chunk, self._file, pickle.HIGHEST_PROTOCOL)
            yield from chunk

    def chunks(self) -> Iterator[list[Row]]:
        """The chunks, from the first on."""
        end = self._file.seek(0, 2)
        self._file.seek(0)
        while self._file.tell() < end:
            yield pickle.load(self._file)  # noqa: S301  # of this process, in a file without a name


@contextmanager
def open_spill_file(*, chunk_rows: int) -> Iterator[SpillFile]:
    """An empty spool, gone on leaving."""
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        yield SpillFile(file, chunk_rows)
