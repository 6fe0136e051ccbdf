"""Rows of a Parquet file, with its types as JSON has them: times as text in UTC or with their zone, NaN as absent."""

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from recruit_assets.importer.column_map import ColumnMap
from recruit_assets.importer.csv_rows import CheckFields
from recruit_assets.importer.rows import FileReason, RefusedRow, Row
from recruit_assets.runtime.errors import UserError

BATCH_ROWS = 2_000
UNREADABLE = (ValueError, OverflowError, pa.ArrowException)
"""What a value raises that Python doesn't have, such as a time after 9999 or text that isn't UTF-8."""


def row_count(path: Path) -> int:
    """The file's rows; UserError if it isn't Parquet."""
    return int(_opened(path).metadata.num_rows)


def parquet_rows(path: Path, columns: ColumnMap, *, check_fields: CheckFields) -> Iterator[Row | RefusedRow]:
    """The rows, numbered from 1; a null is an absent field."""
    file = _opened(path)
    fields = columns.fields_of(file.schema_arrow.names, where=path.name)
    check_fields([field for field in fields if field])
    number = 0
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in _rows_of(batch):
                number += 1
                yield _row(number, row, fields)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path.name} is damaged after row {number}: {error}") from error


def _opened(path: Path) -> ParquetFile:
    try:
        return ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path.name} isn't a Parquet file: {error}") from error


def _rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | Exception]:
    """Each row, or the error of one that can't be read."""
    try:
        yield from batch.to_pylist()
    except UNREADABLE as error:
        if batch.num_rows == 1:
            yield error
            return
        for place in range(batch.num_rows):
            yield from _rows_of(batch.slice(place, 1))


def _row(number: int, row: dict[str, Any] | Exception, fields: list[str]) -> Row | RefusedRow:
    if isinstance(row, Exception):
        return RefusedRow(number, FileReason.NOT_PARQUET, f"the row can't be read: {row}")
    try:
        values = zip(fields, map(_as_json, row.values()), strict=True)
        return Row(number, {field: value for field, value in values if field and value is not None})
    except UnicodeDecodeError as error:
        return RefusedRow(number, FileReason.NOT_PARQUET, f"a value is binary and not UTF-8: {error.reason}")


def _as_json(value: Any) -> Any:  # noqa: ANN401  # any type of Parquet
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            # pandas writes an absent number as NaN
            return value if math.isfinite(value) else None if math.isnan(value) else str(value)
        case Decimal():
            return None if value.is_nan() else f"{value:f}"
        case bytes():
            return value.decode()
        case datetime():
            return value.isoformat(sep=" ", timespec="auto")
        case date() | time():
            return value.isoformat()
        case UUID() | timedelta():
            return str(value)
        case dict():
            return {str(name): _as_json(inner) for name, inner in value.items()}
        case list():
            return [_as_json(inner) for inner in value]
        case tuple():  # an entry of a map
            return [_as_json(inner) for inner in value]
    return str(value)
