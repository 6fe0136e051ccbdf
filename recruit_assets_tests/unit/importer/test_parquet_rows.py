"""Reading Parquet: each type as JSON has it, and rows that can't be read."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from recruit_assets.importer.column_map import parse_column_map
from recruit_assets.importer.parquet_rows import parquet_rows, row_count
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import UserError


def file_of(folder: Path, **columns: Any) -> Path:
    path = folder / "f.parquet"
    write_table(pa.table(columns), path)
    return path


def read(path: Path, *columns: str) -> list[Row | RefusedRow]:
    return list(parquet_rows(path, parse_column_map(columns), check_fields=lambda _: None))


SEVEN = datetime(2026, 1, 5, 7, 30)
PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([7]), 7),
        (pa.array([7.0]), 7.0),
        (pa.array([float("nan")]), None),
        (pa.array([float("inf")]), "inf"),
        (pa.array([None], pa.int32()), None),
        (pa.array([True]), True),
        (pa.array(["é"]), "é"),
        (pa.array([b"\xc3\xa9"]), "é"),
        (pa.array([Decimal("1.10")]), "1.10"),
        (pa.array([date(2026, 1, 5)]), "2026-01-05"),
        (pa.array([SEVEN], pa.timestamp("ms")), "2026-01-05 07:30:00"),
        (pa.array([SEVEN], pa.timestamp("ns")), "2026-01-05 07:30:00"),
        (pa.array([SEVEN.replace(microsecond=250_000)]), "2026-01-05 07:30:00.250000"),
        (pa.array([SEVEN.replace(tzinfo=UTC)]), "2026-01-05 07:30:00+00:00"),
        (pa.array([SEVEN.replace(tzinfo=PARIS)], pa.timestamp("us", "+01:00")), "2026-01-05 07:30:00+01:00"),
        (pa.array([[1, None]]), [1, None]),
        (pa.array([{"a": Decimal("1.5")}]), {"a": "1.5"}),
    ],
)
def test_each_type_becomes_json(tmp_path: Path, column: pa.Array, expected: object) -> None:
    (row,) = read(file_of(tmp_path, x=column))

    assert row == Row(1, {} if expected is None else {"x": expected})


def test_columns_are_mapped_and_rows_numbered(tmp_path: Path) -> None:
    path = file_of(tmp_path, time=["t"] * 2_500, ssn=[1] * 2_500)
    rows = read(path, "time=ts", "ssn=")

    assert row_count(path) == 2_500
    assert rows == [Row(number, {"ts": "t"}) for number in range(1, 2_501)]


def test_a_value_that_python_lacks_costs_its_row_only(tmp_path: Path) -> None:
    far = pa.array([0, 2**60, 0]).cast(pa.timestamp("us"))
    rows = read(file_of(tmp_path, ts=far, x=[b"1", b"2", b"\xff"]))

    assert [row.reason if isinstance(row, RefusedRow) else row.fields["x"] for row in rows] == [
        "1", "not_parquet", "not_parquet",
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n"])
def test_another_file_is_a_user_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.parquet"
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"f\.parquet isn't a Parquet file"):
        read(path)


def test_a_damaged_file_is_a_user_error(tmp_path: Path) -> None:
    path = file_of(tmp_path, x=[f"text {number}" for number in range(5_000)])
    content = bytearray(path.read_bytes())
    content[100:20_000] = b"\xff" * 19_900
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"f\.parquet is damaged after row 0"):
        read(path)
