"""A file to import: its format, its content's hash, and its rows, in bounded memory."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from recruit_assets.importer.column_map import ColumnMap, parse_column_map
from recruit_assets.importer.csv_rows import CheckFields, csv_rows
from recruit_assets.importer.json_rows import json_rows
from recruit_assets.importer.lines import numbered_lines
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import UserError

GZIP = ".gz"
SCAN_BYTES = 1024 * 1024


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look at the file's bytes tells."""

    digest: str
    """Their SHA-256, in hexadecimal."""
    last: int
    """About the number of the last row; 0 if it is unknown, as in a compressed file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how to read it."""

    path: Path
    format: Format
    columns: ColumnMap = field(default_factory=lambda: ColumnMap({}))
    delimiter: str = ","
    max_bytes: int = 512 * 1024
    """Longer lines are refused."""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_gzip(self) -> bool:
        return self.path.suffix.lower() == GZIP

    @property
    def place(self) -> str:
        """What a row's number counts."""
        return "row" if self.format is Format.PARQUET else "line"

    def scan(self) -> Scan:
        """Read the file once."""
        digest, ends = hashlib.sha256(), 0
        with self.path.open("rb") as file:
            while part := file.read(SCAN_BYTES):
                digest.update(part)
                ends += part.count(b"\n")
        if self.format is Format.PARQUET:
            from recruit_assets.importer.parquet_rows import row_count

            return Scan(digest.hexdigest(), row_count(self.path))
        return Scan(digest.hexdigest(), 0 if self.is_gzip else ends + 1)

    def rows(self, check_fields: CheckFields = lambda _fields: None) -> Iterator[Row | RefusedRow]:
        """The rows; UserError if the file as a whole can't be read, naming the line where it ends too early.

        `check_fields` gets the fields of a CSV or Parquet file before its first row.
        """
        if self.format is Format.PARQUET:
            # pyarrow takes a quarter of a second to import
            from recruit_assets.importer.parquet_rows import parquet_rows

            yield from parquet_rows(self.path, self.columns, check_fields=check_fields)
            return
        number = 0
        try:
            with self._opened() as file:
                for row in self._line_rows(file, check_fields):
                    number = row.number
                    yield row
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UserError(f"{self.name} is damaged after line {number}: {error}") from error

    def _line_rows(self, file: BinaryIO, check_fields: CheckFields) -> Iterator[Row | RefusedRow]:
        lines = numbered_lines(file, max_bytes=self.max_bytes, name=self.name)
        if self.format is Format.JSONL:
            return json_rows(lines, self.columns, name=self.name, max_bytes=self.max_bytes)
        return csv_rows(
            lines,
            self.columns,
            name=self.name,
            delimiter=self.delimiter,
            max_bytes=self.max_bytes,
            check_fields=check_fields,
        )

    def _opened(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.path, "rb")) if self.is_gzip else self.path.open("rb")


def source_of(
    path: Path, *, format: Format | None, columns: Sequence[str] = (), delimiter: str | None = None, max_bytes: int
) -> Source:
    """The source that the options describe; UserError for options that don't fit."""
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == GZIP else path.suffix.lower()
    chosen = format or SUFFIXES.get(suffix)
    if chosen is None:
        raise UserError(f"the format of {path.name} is unknown: use --format {', '.join(Format)}")
    if chosen is Format.PARQUET and path.suffix.lower() == GZIP:
        raise UserError(f"{path.name}: Parquet compresses its own columns; unpack the file first")
    if delimiter is None:
        delimiter = "\t" if suffix == ".tsv" else ","
    elif chosen is not Format.CSV:
        raise UserError(f"--delimiter is for CSV, {path.name} is {chosen}")
    delimiter = delimiter.replace("\\t", "\t")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UserError(f"--delimiter must be one character, such as ';' or '\\t', not {delimiter!r}")
    return Source(path, chosen, parse_column_map(columns), delimiter, max_bytes)
