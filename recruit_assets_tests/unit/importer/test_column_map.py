"""`--map`: which field a column becomes, and what can't be mapped."""

import pytest

from recruit_assets.importer.column_map import parse_column_map
from recruit_assets.runtime.errors import UserError


@pytest.mark.parametrize(
    ("given", "columns", "fields"),
    [
        ([], ["ts", "bid"], ["ts", "bid"]),
        (["time=ts"], ["time", "bid"], ["ts", "bid"]),
        (["a=b=ts"], ["a=b"], ["ts"]),
        (["time= ts"], ["time"], ["ts"]),
        (["shop=colour"], ["shop"], ["colour"]),
        (["ssn="], ["ssn", "ts"], ["", "ts"]),
        (["a=", "b="], ["a", "b"], ["", ""]),
        (["ts=bid", "bid=ts"], ["ts", "bid"], ["bid", "ts"]),
    ],
)
def test_columns_become_fields(given: list[str], columns: list[str], fields: list[str]) -> None:
    assert parse_column_map(given).fields_of(columns, where="f.csv") == fields


@pytest.mark.parametrize("text", ["ts", "=ts", "", "="])
def test_a_map_without_column_is_a_user_error(text: str) -> None:
    with pytest.raises(UserError, match="--map must be COLUMN=FIELD"):
        parse_column_map([text])


def test_a_column_may_be_mapped_once() -> None:
    with pytest.raises(UserError, match="names the column a twice"):
        parse_column_map(["a=b", "a=c"])


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(UserError, match=r"f.csv has no column when, which --map names; it has time, bid"):
        parse_column_map(["when=ts"]).fields_of(["time", "bid"], where="f.csv")


@pytest.mark.parametrize("given", [["time=ts"], ["time=x", "ts=x"]])
def test_two_columns_can_not_be_one_field(given: list[str]) -> None:
    with pytest.raises(UserError, match=r"f.csv: columns \w+ and \w+ are both the field (ts|x)"):
        parse_column_map(given).fields_of(["ts", "time"], where="f.csv")


def test_a_row_is_renamed() -> None:
    columns = parse_column_map(["a=b", "gone="])

    assert columns.renamed({"a": 1, "c": 2, "gone": 3}, where="f, line 1") == {"b": 1, "c": 2}
    with pytest.raises(UserError, match="f, line 2: columns a and b are both the field b"):
        columns.renamed({"a": 1, "b": 2}, where="f, line 2")
