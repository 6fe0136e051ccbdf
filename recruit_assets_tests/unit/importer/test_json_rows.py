"""Reading JSON lines: rows that can be sent as they are, rows that are written anew, and bad lines."""

from io import BytesIO

import orjson
import pytest

from recruit_assets.importer.column_map import parse_column_map
from recruit_assets.importer.json_rows import json_rows
from recruit_assets.importer.lines import numbered_lines
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import UserError

MAX_BYTES = 200
WHOLE = b'{"create_time":"5e50a9c2-aad9-11ee-9f2a-0242ac120002","bid":1.10}'


def read(text: bytes, *columns: str) -> list[Row | RefusedRow]:
    lines = numbered_lines(BytesIO(text), max_bytes=MAX_BYTES, name="f.jsonl")
    return list(json_rows(lines, parse_column_map(columns), name="f.jsonl", max_bytes=MAX_BYTES))


def written(text: bytes, *columns: str) -> bytes:
    """The fields of the only row as JSON."""
    (row,) = read(text, *columns)
    assert isinstance(row, Row)
    return orjson.dumps(row.fields)


def test_a_whole_event_keeps_its_bytes() -> None:
    (row,) = read(b"\xef\xbb\xbf" + WHOLE + b"\r\n")

    assert isinstance(row, Row)
    assert (row.number, row.json) == (1, WHOLE)


@pytest.mark.parametrize("number", [b"1.10", b"18446744073709551617", b"1e400", b"0.1234567890123456789", b"1.0"])
def test_numbers_keep_their_text_where_the_row_is_written_anew(number: bytes) -> None:
    assert written(b'{"cost": %s, "ts": "t"}' % number, "cost=bid") == b'{"bid":%s,"ts":"t"}' % number


@pytest.mark.parametrize(
    ("line", "columns", "expected"),
    [
        (b'{"ts": "t", "bid": null}', [], b'{"ts":"t"}'),
        (b'{"time": "t", "ssn": 1}', ["time=ts", "ssn="], b'{"ts":"t"}'),
        (b'{"ts": "t", "deep": {"a": [1.10]}}', [], b'{"ts":"t","deep":{"a":[1.10]}}'),
        (b'{"_rejected": {"line": 3}, "ts": "t"}', [], b'{"ts":"t"}'),
    ],
)
def test_rows_are_renamed_and_nulls_are_absent(line: bytes, columns: list[str], expected: bytes) -> None:
    assert written(line, *columns) == expected


def test_a_bad_line_is_refused_with_its_reason_and_costs_no_other() -> None:
    lines = [WHOLE, b"{", b"[1]", b'{"a": "\xe9"}', b"x" * 300, b"", b'{"a": NaN}', WHOLE]
    rows = read(b"\n".join(lines))

    assert [(row.number, row.reason if isinstance(row, RefusedRow) else "") for row in rows] == [
        (1, ""), (2, "not_json"), (3, "not_object"), (4, "not_utf8"), (5, "too_large"), (7, "not_json"), (8, ""),
    ]  # fmt: skip


def test_two_columns_of_a_row_can_not_be_one_field() -> None:
    with pytest.raises(UserError, match=r"f\.jsonl, line 2: columns time and ts are both the field ts"):
        read(b'{"time": "t"}\n{"time": "t", "ts": "u"}', "time=ts")


def test_a_column_that_no_row_has_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"no row of f\.jsonl has the column tme, which --map names"):
        read(b'{"time": "t"}\n', "tme=ts")
