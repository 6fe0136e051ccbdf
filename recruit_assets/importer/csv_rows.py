"""Rows of a CSV file (RFC 4180) in UTF-8. A bad line is refused and costs no other line."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from recruit_assets.importer.column_map import ColumnMap
from recruit_assets.importer.lines import Line, beginning, not_utf8
from recruit_assets.importer.rows import FileReason, RefusedRow, Row
from recruit_assets.runtime.errors import UserError

OTHER_DELIMITERS = (";", "\t", "|")
OPEN_QUOTE = "unexpected end of data"
"""What the csv module says of a record whose last quote isn't closed."""
CheckFields = Callable[[Sequence[str]], object]
"""Takes the fields that rows may have; raises UserError if something is missing."""


def csv_rows(
    lines: Iterator[Line], columns: ColumnMap, *, name: str, delimiter: str, max_bytes: int, check_fields: CheckFields
) -> Iterator[Row | RefusedRow]:
    """The rows after the header; an empty cell is an absent field. UserError if the header can't be used."""
    csv.field_size_limit(max_bytes)
    parse = _Parser(delimiter)
    header = _header(next(_records(lines, parse, max_bytes=max_bytes), None), name)
    if len(header) == 1 and (other := [one for one in OTHER_DELIMITERS if one in header[0]]):
        raise UserError(f"{name} has one column, {header[0]!r}: does it need --delimiter {other[0]!r}?")
    fields = columns.fields_of(header, where=name)
    check_fields([field for field in fields if field])
    parse.width = len(header)
    for record in _records(lines, parse, max_bytes=max_bytes):
        if isinstance(record, RefusedRow):
            yield record
        else:
            number, cells = record
            named = zip(fields, cells, strict=True)
            yield Row(number, {field: cell for field, cell in named if field and cell})


class _Parser:
    """Parses one record; `width` is the number of cells that it must have, 0: any."""

    def __init__(self, delimiter: str) -> None:
        self.width = 0
        self._delimiter = delimiter

    def __call__(self, number: int, record: bytes) -> list[str] | RefusedRow:
        try:
            (cells,) = csv.reader([record.decode()], delimiter=self._delimiter, strict=True)
        except UnicodeDecodeError as error:
            return not_utf8(number, record, error)
        except csv.Error as error:
            return _not_csv(number, record, str(error))
        if self.width and len(cells) != self.width:
            return _not_csv(number, record, f"wanted {self.width} cells as in the header, found {len(cells)}")
        return cells


def _records(lines: Iterator[Line], parse: _Parser, *, max_bytes: int) -> Iterator[tuple[int, list[str]] | RefusedRow]:
    """(first line, cells) of each record. With a line end in a quoted cell, a record is several lines.

    If such lines don't make a record, the first is refused and the others are parsed again, each by itself: one quote
    too many must not swallow the lines behind it.
    """
    ahead: deque[Line] = deque()

    def next_line() -> Line | None:
        return ahead.popleft() if ahead else next(lines, None)

    while (line := next_line()) is not None:
        if isinstance(line, RefusedRow):
            yield line
            continue
        number, record = line
        if not record.strip():
            continue
        found, taken = parse(number, record), list[Line]()
        while _is_open(found) and len(record) <= max_bytes and (line := next_line()) is not None:
            taken.append(line)
            if isinstance(line, RefusedRow):
                break
            record += line[1]
            # only a quote can close the cell
            found = parse(number, record) if b'"' in line[1] else found
        if isinstance(found, RefusedRow):
            ahead.extendleft(reversed(taken))
            yield found
        else:
            yield number, found


def _is_open(found: list[str] | RefusedRow) -> bool:
    return isinstance(found, RefusedRow) and found.message.endswith(OPEN_QUOTE)


def _header(record: tuple[int, list[str]] | RefusedRow | None, name: str) -> list[str]:
    if record is None:
        raise UserError(f"{name} is empty: its first line must have the columns' names")
    if isinstance(record, RefusedRow):
        raise UserError(f"{name}, line {record.number}: the columns' names can't be read: {record.message}")
    columns = [column.strip() for column in record[1]]
    if unnamed := [place for place, column in enumerate(columns, 1) if not column]:
        raise UserError(f"{name}, line {record[0]}: column {unnamed[0]} has no name")
    if twice := [column for column in columns if columns.count(column) > 1]:
        raise UserError(f"{name}, line {record[0]}: two columns are named {twice[0]}")
    return columns


def _not_csv(number: int, record: bytes, problem: str) -> RefusedRow:
    return RefusedRow(number, FileReason.NOT_CSV, f"the line isn't CSV: {problem}", text=beginning(record))
