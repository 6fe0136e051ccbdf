"""The budgets' file: which budgets it has, and which rows are none."""

from datetime import date
from pathlib import Path

import pytest

from recruit_assets.contract.budgets import Budget
from recruit_assets.importer.budgets import BudgetsFile, read_budgets
from recruit_assets.importer.source import source_of
from recruit_assets.runtime.errors import UserError

HEADER = "scope,id,month,amount\n"
MARCH = date(2026, 3, 1)


def budgets_of(folder: Path, text: str, *columns: str, name: str = "budgets.csv") -> BudgetsFile:
    path = folder / name
    path.write_text(text)
    return read_budgets(source_of(path, format=None, columns=columns, max_bytes=1_000))


def test_budgets_are_read_from_csv_and_json_lines(tmp_path: Path) -> None:
    table = budgets_of(
        tmp_path, "scope,no,month,amount,x\ncampaign,7,2026-03,1500.50,a\njob,7,2026-03-01, 20 ,\n", "no=id"
    )
    lines = budgets_of(tmp_path, '{"scope":"job","id":0,"month":"2026-03","amount":1.5}\n', name="budgets.jsonl")

    assert table.budgets == [Budget("campaign", 7, MARCH, 1500.5), Budget("job", 7, MARCH, 20.0)]
    assert lines.budgets == [Budget("job", 0, MARCH, 1.5)]
    assert (table.refused, lines.refused) == ([], [])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("company,7,2026-03,5", "scope: wanted campaign or job, found a string 'company'"),
        (",7,2026-03,5", "scope: absent or null"),
        ("job,x,2026-03,5", "id: wanted a whole number, found a string 'x'"),
        ("job,2147483648,2026-03,5", "id: wanted a 32-bit integer, found '2147483648'"),
        ("job,7,2026-13,5", "month: wanted a month such as 2026-11, or its first day, found a string '2026-13'"),
        ("job,7,2026-03-15,5", "month: wanted a month such as 2026-11, or its first day, found a string '2026-03-15'"),
        ("job,7,0000-03,5", "month: wanted a month such as 2026-11, or its first day, found a string '0000-03'"),
        ("job,7,2026-03,", "amount: absent or null"),
        ("job,7,2026-03,0", "amount: wanted a number above 0, such as 1500 or 1500.50, found a string '0'"),
        ("job,7,2026-03,-5", "amount: wanted a number above 0, such as 1500 or 1500.50, found a string '-5'"),
        ("job,7,2026-03,nan", "amount: wanted a number above 0, such as 1500 or 1500.50, found a string 'nan'"),
        ('job,7,2026-03,"1,500"', "amount: wanted a number above 0, such as 1500 or 1500.50, found a string '1,500'"),
        (f"job,7,2026-03,{'9' * 400}", "amount: wanted a number above 0, such as 1500 or 1500.50, found a string '999"),
        ("job,8,2026-03-01,5", "id: job 8 in 2026-03 is in line 2 too"),
    ],
)
def test_a_row_that_is_no_budget_is_refused_with_column_and_value(tmp_path: Path, row: str, message: str) -> None:
    (refused,) = budgets_of(tmp_path, f"{HEADER}job,8,2026-03,1\n{row}\n").refused

    assert refused.number == 3
    assert refused.message.startswith(message)


@pytest.mark.parametrize("missing", ["scope", "id", "month", "amount"])
def test_a_file_without_a_column_is_a_user_error(tmp_path: Path, missing: str) -> None:
    with pytest.raises(
        UserError, match=rf"budgets.csv has no column {missing}: .* --map COLUMN={missing}\. Its columns"
    ):
        budgets_of(tmp_path, HEADER.replace(missing, "other"))
