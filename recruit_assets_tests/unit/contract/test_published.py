"""The published contract: current, valid, in agreement with ingest, and with a version that has risen enough."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.published.compatibility import contract_changes, problems, schema_changes
from recruit_assets.contract.published.data_contract import EVENT, REPORT, ReliedOnBy, event_contract, report_contract
from recruit_assets.contract.published.event_schema import EXAMPLE, event_schema
from recruit_assets.contract.published.write import EVENT_CONTRACT, EVENT_SCHEMA, REPORT_CONTRACT, texts
from recruit_assets.contract.types import Type
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.transforms.validate import Limits, read_event

FOLDER = Path(__file__).parents[3] / "docs" / "contract"
RELEASED = FOLDER / "released"
SCHEMA = Draft202012Validator(event_schema())
ANY_TIME = Limits(max_bytes=100_000, first_hour_ms=-(10**15))
FAR_FUTURE_MS = 10**15
UUID = EXAMPLE["create_time"]


def rejection(event: dict[str, Any]) -> RejectedEvent | None:
    """Why ingest rejects the event, whatever its time."""
    try:
        read_event(json.dumps(event).encode(), FAR_FUTURE_MS, limits=ANY_TIME)
    except RejectedEvent as error:
        return error
    return None


def test_the_stored_files_are_current() -> None:
    stored = {
        file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir() if file.suffix in (".json", ".yaml")
    }

    assert stored == texts()


def test_the_schema_is_valid_and_accepts_its_example() -> None:
    Draft202012Validator.check_schema(event_schema())

    assert SCHEMA.is_valid(EXAMPLE)
    assert rejection(EXAMPLE) is None


@pytest.mark.parametrize("contract", [event_contract(), report_contract()], ids=["event", "report"])
def test_a_data_contract_has_what_its_standard_requires(contract: dict[str, Any]) -> None:
    assert contract["apiVersion"] == "v3.1.0"
    assert all(isinstance(contract[name], str) for name in ("version", "kind", "id", "status"))
    for one in contract["schema"]:
        names = [field["name"] for field in one["properties"]]
        assert len(names) == len(set(names)) > 0
        assert {field["logicalType"] for field in one["properties"]} <= {
            "string", "date", "timestamp", "number", "integer",
        }  # fmt: skip


digits = st.text("0123456789", min_size=1, max_size=12)
near_the_limits = st.integers(-(2**31) - 2, -(2**31) + 2) | st.integers(2**31 - 3, 2**31 + 2)
numbers = st.integers(-100, 100) | near_the_limits | st.floats(allow_nan=False, allow_infinity=False) | st.just(5.0)
number_texts = st.builds(
    "{}{}{}".format, st.sampled_from(["", "-", "+", " ", "00"]), digits | near_the_limits,
    st.sampled_from(["", ".", ".0", ".00", ".5", " ", "e1"]),
)  # fmt: skip
months, days, hours, sixtieths = (st.integers(0, highest).map("{:02}".format) for highest in (13, 32, 24, 60))
times = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format, st.sampled_from(["2024", "2026", "0001", "0000", "999"]), months, days,
    st.sampled_from([" ", "T", "t", ""]), hours, sixtieths, sixtieths, st.sampled_from(["", ".5", ".123456789", "."]),
    st.sampled_from(["", "Z", "z", "+01", "-05:30", "+0530", "+24:00", "+01:60"]),
)  # fmt: skip
uuids = st.builds(
    "{}-e9f0-{}1f0-{}de9-0242ac120002".format, st.sampled_from(["8a7b6c5d", "8A7B6C5D", "8a7b6c5", "8a7b6c5g"]),
    st.sampled_from("145"), st.sampled_from("8bBc0"),
)  # fmt: skip
others = st.none() | st.booleans() | st.text(max_size=5) | st.just([1]) | st.just({"a": 1})
FIELDS = {
    Type.TIMEUUID: st.just(UUID) | uuids | others,
    Type.INT: numbers | number_texts | others,
    Type.TEXT: numbers | others,
}
events = st.fixed_dictionaries(
    {"create_time": st.just(UUID)},
    optional={
        column.name: times | others if column.name == "ts" else FIELDS[column.type]
        for column in EVENT_COLUMNS
        if column.name != "create_time"
    }
    | {"unknown": others},
)
one_field = st.sampled_from([column for column in EVENT_COLUMNS if column.name != "create_time"]).flatmap(
    lambda column: st.builds(
        lambda value: {"create_time": UUID, column.name: value},
        times | numbers | others if column.name == "ts" else FIELDS[column.type],
    )
)


@given(one_field | events | st.fixed_dictionaries({"create_time": FIELDS[Type.TIMEUUID]}))
@example({})
@example({"create_time": None})
@example({"create_time": UUID, "bid": "2147483647.0"})
@example({"create_time": UUID, "bid": "-02147483648"})
@example({"create_time": UUID, "bid": "2147483648"})
@example({"create_time": UUID, "bid": 1e300})
@example({"create_time": UUID, "ts": "2024-02-28 23:59:59Z"})
def test_the_schema_and_ingest_accept_the_same_events(event: dict[str, Any]) -> None:
    assume("-02-29" not in str(event.get("ts")))
    rejected = rejection(event)

    assert SCHEMA.is_valid(event) == (rejected is None)


@pytest.mark.parametrize(
    ("ts", "is_valid", "is_accepted"),
    [
        ("2026-02-30 00:00:00", False, False),
        ("2026-04-31 00:00:00", False, False),
        ("2024-02-29 00:00:00", True, True),
        ("2026-02-29 00:00:00", True, False),  # leap years are beyond a pattern
        ("2026-02-28 00:00:00\n", True, False),  # the end of a pattern in Python
    ],
)
def test_what_the_schema_knows_of_times_that_do_not_exist(ts: str, is_valid: bool, is_accepted: bool) -> None:
    event = {"create_time": UUID, "ts": ts}

    assert (SCHEMA.is_valid(event), rejection(event) is None) == (is_valid, is_accepted)


def test_the_versions_have_risen_enough_since_the_last_release() -> None:
    def released(name: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((RELEASED / name).read_text(encoding="utf-8"))
        return found

    event, report = released(EVENT_CONTRACT), released(REPORT_CONTRACT)
    changes = contract_changes(event, event_contract(), EVENT.relied_on_by)
    changes += schema_changes(released(EVENT_SCHEMA), event_schema())
    report_changes = contract_changes(report, report_contract(), REPORT.relied_on_by)

    assert problems(event["version"], EVENT.version, changes) == []
    assert problems(report["version"], REPORT.version, report_changes) == []


def a_field(**changed: Any) -> dict[str, Any]:
    field = {"name": "f", "logicalType": "integer", "logicalTypeOptions": {"format": "i32"}, "required": False}
    return field | changed


def a_contract(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"schema": [{"name": "t", "properties": list(fields)}]}


INT_64 = {"logicalTypeOptions": {"format": "i64"}}
FLOAT = {"logicalType": "number", "logicalTypeOptions": {"format": "f64"}}
SHORT, LONG = ({"logicalType": "string", "logicalTypeOptions": {"maxLength": size}} for size in (32, 255))
TEXT: dict[str, Any] = {"logicalType": "string", "logicalTypeOptions": {}}
UUID_TEXT = {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}


@pytest.mark.parametrize(
    ("old", "new", "senders", "readers"),
    [
        ([a_field()], [a_field(description="new words")], "", ""),
        ([a_field()], [], "t.f was removed or renamed: 2.0.0", "t.f was removed or renamed: 2.0.0"),
        ([], [a_field()], "t.f is a new field: 1.3.0", "t.f is a new field: 1.3.0"),
        ([], [a_field(required=True)], "t.f is a new required field: 2.0.0", "t.f is a new field: 1.3.0"),
        ([a_field()], [a_field(required=True)], "t.f is required now: 2.0.0", "t.f is required now: 1.3.0"),
        ([a_field(required=True)], [a_field()], "t.f may be missing now: 1.3.0", "t.f may be missing now: 2.0.0"),
        ([a_field()], [a_field(**INT_64)], "t.f has a wider type: 1.3.0", "t.f has a wider type: 2.0.0"),
        ([a_field(**SHORT)], [a_field(**LONG)], "t.f has a wider type: 1.3.0", "t.f has a wider type: 2.0.0"),
        ([a_field(**LONG)], [a_field(**TEXT)], "t.f has a wider type: 1.3.0", "t.f has a wider type: 2.0.0"),
        ([a_field(**INT_64)], [a_field()], *["t.f has a narrower or different type: 2.0.0"] * 2),
        ([a_field(**TEXT)], [a_field(**SHORT)], *["t.f has a narrower or different type: 2.0.0"] * 2),
        ([a_field(**TEXT)], [a_field(**UUID_TEXT)], *["t.f has a narrower or different type: 2.0.0"] * 2),
        ([a_field()], [a_field(**FLOAT)], *["t.f has another type or key: 2.0.0"] * 2),
        ([a_field()], [a_field(primaryKey=True)], *["t.f has another type or key: 2.0.0"] * 2),
    ],
)
def test_a_change_needs_a_version(old: Any, new: Any, senders: str, readers: str) -> None:
    for relied_on_by, wanted in ((ReliedOnBy.SENDERS, senders), (ReliedOnBy.READERS, readers)):
        found = problems("1.2.3", "1.2.3", contract_changes(a_contract(*old), a_contract(*new), relied_on_by))

        assert [line.replace(" that needs version", "").removesuffix(", it is 1.2.3") for line in found] == (
            [wanted] if wanted else []
        )


@pytest.mark.parametrize(
    ("version", "allows"),
    [("1.2.4", ""), ("1.3.0", "minor"), ("2.0.0", "minor major"), ("0.9.0", ""), ("1.10.0", "minor")],
)
def test_a_version_allows_changes(version: str, allows: str) -> None:
    minor = contract_changes(a_contract(), a_contract(a_field()), ReliedOnBy.SENDERS)
    major = contract_changes(a_contract(a_field()), a_contract(), ReliedOnBy.SENDERS)

    assert (problems("1.2.3", version, minor) == []) is ("minor" in allows)
    assert (problems("1.2.3", version, major) == []) is ("major" in allows)


def test_another_form_of_a_value_breaks_senders() -> None:
    def changed(change: Callable[[dict[str, Any]], None]) -> list[str]:
        schema = event_schema()
        change(schema)
        return [one.what for one in schema_changes(event_schema(), schema)]

    assert changed(lambda schema: schema["$defs"]["time"].update(pattern="^x$")) == ["the form of time differs"]
    assert changed(lambda schema: schema["properties"]["bn"].update({"$ref": "#/$defs/time"})) == [
        "the form of bn differs"
    ]
    assert changed(lambda schema: schema["properties"]["bn"].update(description="new words")) == []
