"""Reading CSV: what each spelling gives, and that a bad line costs no other line."""

from collections.abc import Sequence
from io import BytesIO

import pytest

from recruit_assets.importer.column_map import parse_column_map
from recruit_assets.importer.csv_rows import csv_rows
from recruit_assets.importer.lines import numbered_lines
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import UserError

MAX_BYTES = 200


def read(text: str | bytes, *columns: str, delimiter: str = ",") -> list[Row | RefusedRow]:
    file = BytesIO(text.encode() if isinstance(text, str) else text)
    return list(
        csv_rows(
            numbered_lines(file, max_bytes=MAX_BYTES, name="f.csv"),
            parse_column_map(columns),
            name="f.csv",
            delimiter=delimiter,
            max_bytes=MAX_BYTES,
            check_fields=lambda _: None,
        )
    )


def fields(text: str | bytes, *columns: str, delimiter: str = ",") -> list[dict[str, object]]:
    """The fields of each row; AssertionError if one is refused."""
    rows = read(text, *columns, delimiter=delimiter)
    assert [row for row in rows if isinstance(row, RefusedRow)] == []
    return [row.fields for row in rows]


def outcome(text: str | bytes) -> list[tuple[int, str]]:
    """Line, and the first cell of a good row or the reason of a refused one."""
    return [(row.number, row.reason if isinstance(row, RefusedRow) else str(row.fields.get("a"))) for row in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("\ufeffa,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (" a , b \n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\n,2\n1,\n,\n", [{"b": "2"}, {"a": "1"}, {}]),
        ('a,b\n"1,5","say ""hi"""\n', [{"a": "1,5", "b": 'say "hi"'}]),
        ('a,b\n"1\n2",3\n4,5\n', [{"a": "1\n2", "b": "3"}, {"a": "4", "b": "5"}]),
        ('a,b\n"1\n\n2",3\n', [{"a": "1\n\n2", "b": "3"}]),
        ('a,b\n5" screen,3\n', [{"a": '5" screen', "b": "3"}]),
        ("a,b\n\n1,2\n  \n3,4\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("a,b\né😀,2\n", [{"a": "é😀", "b": "2"}]),
        ("a,b\n", []),
    ],
)
def test_each_spelling_is_read(text: str, expected: list[dict[str, object]]) -> None:
    assert fields(text) == expected


def test_columns_are_mapped_and_left_out() -> None:
    assert fields("when,ssn,x\n1,2,3\n", "when=ts", "ssn=") == [{"ts": "1", "x": "3"}]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_used(delimiter: str) -> None:
    assert fields(f"a{delimiter}b\n1,5{delimiter}2\n", delimiter=delimiter) == [{"a": "1,5", "b": "2"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n3\n4,5\n", [(2, "1"), (3, "not_csv"), (4, "4")]),
        ("a,b\n1,2,3\n4,5\n", [(2, "not_csv"), (3, "4")]),
        (b"a,b\n1,2\n\xff,2\n4,5\n", [(2, "1"), (3, "not_utf8"), (4, "4")]),
        ('a,b\n"1,2\n3,4\n5,6\n', [(2, "not_csv"), (3, "3"), (4, "5")]),
        ('a,b\n"1"x,2\n3,4\n', [(2, "not_csv"), (3, "3")]),
        # the second quote would end a cell that began in line 2
        ('a,b\n1,"2\n3,4\n5,"6"\n', [(2, "not_csv"), (3, "3"), (4, "5")]),
        (f"a,b\n{'1' * 300},2\n3,4\n", [(2, "too_large"), (3, "3")]),
        (f'a,b\n"1,2\n{"3" * 300},4\n5,6\n', [(2, "not_csv"), (3, "too_large"), (4, "5")]),
        ('a,b\n"1,2\n' + "3,4\n" * 100, [(2, "not_csv"), *((line, "3") for line in range(3, 103))]),
    ],
)
def test_a_bad_line_costs_no_other_line(text: str | bytes, expected: list[tuple[int, str]]) -> None:
    assert outcome(text) == expected


def test_a_refused_line_says_what_was_wanted_and_keeps_its_text() -> None:
    (bad,) = read("a,b\n1,2,3\n")

    assert bad == RefusedRow(2, "not_csv", "the line isn't CSV: wanted 2 cells as in the header, found 3", text="1,2,3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.csv is empty"),
        ("\n\n", "f.csv is empty"),
        ("a,a\n", "two columns are named a"),
        ("a,,b\n", "column 2 has no name"),
        ("a;b\n1;2\n", "has one column, 'a;b': does it need --delimiter ';'"),
        ("a\tb\n", r"does it need --delimiter '\\t'"),
        (b"\xff\xfea\x00,\x00b\x00", "f.csv is UTF-16: save it as UTF-8"),
        (b"a\x00,\x00b\x00", "f.csv is UTF-16"),
        (b"\xe9,b\n", "line 1: the columns' names can't be read: the line isn't UTF-8: byte 0xe9"),
        ("x" * 300, "line 1: the columns' names can't be read: the line has more than 200 bytes"),
        ("a\rb\r", "line 1: the columns' names can't be read"),
    ],
)
def test_a_header_that_can_not_be_used_is_a_user_error(text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(text)


def test_the_fields_are_checked_before_the_first_row() -> None:
    seen: list[Sequence[str]] = []
    lines = numbered_lines(BytesIO(b"a,b,c\n1,2,3\n"), max_bytes=MAX_BYTES, name="f.csv")
    columns = parse_column_map(["a=x", "c="])
    next(csv_rows(lines, columns, name="", delimiter=",", max_bytes=MAX_BYTES, check_fields=seen.append))

    assert seen == [["x", "b"]]
