"""The job dimension's file: which jobs it has, and which rows are none."""

from datetime import date
from pathlib import Path

import pytest

from recruit_assets.importer.jobs import JobsFile, read_jobs
from recruit_assets.importer.source import source_of
from recruit_assets.runtime.errors import UserError
from recruit_assets.stores.mysql.dimensions import JobRow


def jobs_of(folder: Path, text: str, *columns: str, name: str = "jobs.csv") -> JobsFile:
    path = folder / name
    path.write_text(text)
    return read_jobs(source_of(path, format=None, columns=columns, max_bytes=1_000))


def test_jobs_are_read_with_the_columns_that_the_file_has(tmp_path: Path) -> None:
    found = jobs_of(tmp_path, "job,company_id,title,colour\n1,10,Köchin,red\n2.0,,,\n-3,7,x,\n", "job=id")

    assert found.jobs == [JobRow(1, 10, title="Köchin"), JobRow(2, None), JobRow(-3, 7, title="x")]
    assert (found.columns, found.unknown, found.refused) == ({"company_id", "title"}, {"colour"}, [])


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    found = jobs_of(tmp_path, '{"id": 1, "company_id": 1e1}\n{"id": "2", "group_id": 3.0}\n', name="jobs.jsonl")

    assert found.jobs == [JobRow(1, 10), JobRow(2, None, group_id=3)]
    assert found.columns == {"company_id", "group_id"}


@pytest.mark.parametrize(
    ("cell", "day"),
    [("2026-01-31", date(2026, 1, 31)), (" 2024-02-29 ", date(2024, 2, 29)), ("2026-01-31T00:00", date(2026, 1, 31)),
     ("2026-01-31 00:00:00.000", date(2026, 1, 31)), ("", None)],
)  # fmt: skip
def test_a_jobs_last_day_is_a_date(tmp_path: Path, cell: str, day: date | None) -> None:
    assert jobs_of(tmp_path, f"id,end_date\n1,{cell}\n").jobs == [JobRow(1, None, end_date=day)]


@pytest.mark.parametrize(
    "cell", ["2026-02-30", "31.01.2026", "2026-1-31", "20260131", "2026-W05-1", "2026-01-31 23:59"]
)
def test_another_last_day_is_refused(tmp_path: Path, cell: str) -> None:
    (refused,) = jobs_of(tmp_path, f"id,end_date\n1,{cell}\n").refused

    assert refused.message == f"end_date: wanted a date such as 2026-01-31, found a string {cell!r}"


@pytest.mark.parametrize(
    ("row", "reason", "message"),
    [
        (",10,", "missing", "id: absent or null"),
        ("x,10,", "wrong_type", "id: wanted a whole number, found a string 'x'"),
        ("1.5,10,", "wrong_type", "id: wanted a whole number"),
        ("2147483648,10,", "out_of_range", "id: wanted a 32-bit integer"),
        ("1,ten,", "wrong_type", "company_id: wanted a whole number"),
        (f"1,10,{'x' * 256}", "wrong_type", "title: wanted at most 255 characters"),
        ("7,10,", "duplicate", "id: job 7 is in line 2 too"),
        ("1", "not_csv", "wanted 3 cells as in the header, found 1"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, row: str, reason: str, message: str) -> None:
    found = jobs_of(tmp_path, f"id,company_id,title\n7,7,ok\n{row}\n")

    (refused,) = found.refused
    assert (refused.number, refused.reason) == (3, reason)
    assert message in refused.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("job,company_id\n1,2\n", "jobs.csv has no column id: .* --map COLUMN=id"),
        ("id,colour\n1,red\n", "jobs.csv has no column of a job besides id"),
    ],
)
def test_a_file_that_can_not_have_jobs_is_a_user_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        jobs_of(tmp_path, text)
