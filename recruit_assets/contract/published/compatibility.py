"""Which version a change of the published contract needs.

A sender breaks if less is accepted than before, a reader if something that it reads is gone or looks different.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Any

from recruit_assets.contract.published.data_contract import Json, ReliedOnBy


class Level(IntEnum):
    """The part of the version that must rise."""

    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two versions of a contract."""

    what: str
    level: Level


def contract_changes(old: Json, new: Json, relied_on_by: ReliedOnBy) -> list[Change]:
    """Changes of the fields between two ODCS documents; texts don't count."""
    before, after = _fields(old), _fields(new)
    found = [Change(f"{name} was removed or renamed", Level.MAJOR) for name in before if name not in after]
    for name, field in after.items():
        if name in before:
            found += _changes_of_field(name, before[name], field, relied_on_by)
        else:
            must_be_sent = field["required"] and relied_on_by is ReliedOnBy.SENDERS
            what = "is a new required field" if must_be_sent else "is a new field"
            found.append(Change(f"{name} {what}", Level.MAJOR if must_be_sent else Level.MINOR))
    return found


def schema_changes(old: Json, new: Json) -> list[Change]:
    """Changes of the forms of values between two JSON Schemas.

    Whether a changed pattern accepts less can't be decided here, so each change counts as breaking.
    """
    before, after = _forms(old), _forms(new)
    return [
        Change(f"the form of {name} differs", Level.MAJOR)
        for name, form in before.items()
        if name in after and after[name] != form
    ]


def problems(old_version: str, new_version: str, changes: list[Change]) -> list[str]:
    """The changes that the step from one version to the other doesn't allow, one sentence each."""
    old, new = _parts(old_version), _parts(new_version)
    risen = Level.MAJOR if new[0] > old[0] else Level.MINOR if new > old and new[:2] != old[:2] else 0
    needed = {Level.MAJOR: f"{old[0] + 1}.0.0", Level.MINOR: f"{old[0]}.{old[1] + 1}.0"}
    return [
        f"{change.what}: that needs version {needed[change.level]}, it is {new_version}"
        for change in changes
        if change.level > risen
    ]


def _changes_of_field(name: str, old: Json, new: Json, relied_on_by: ReliedOnBy) -> Iterator[Change]:
    if old["logicalType"] != new["logicalType"] or old.get("primaryKey") != new.get("primaryKey"):
        yield Change(f"{name} has another type or key", Level.MAJOR)
    elif (before := _size(old)) != (after := _size(new)):
        is_wider = before[0] == after[0] and after[1] > before[1]
        is_harmless = is_wider and relied_on_by is ReliedOnBy.SENDERS
        what = "wider" if is_wider else "narrower or different"
        yield Change(f"{name} has a {what} type", Level.MINOR if is_harmless else Level.MAJOR)
    if old["required"] != new["required"]:
        is_breaking = new["required"] == (relied_on_by is ReliedOnBy.SENDERS)
        what = "is required now" if new["required"] else "may be missing now"
        yield Change(f"{name} {what}", Level.MAJOR if is_breaking else Level.MINOR)


def _size(field: Json) -> tuple[Mapping[str, Any], float]:
    """The options of a type that have no order, and its size: bits of a number, or characters of a text."""
    options = dict(field.get("logicalTypeOptions", {}))
    if field["logicalType"] in ("integer", "number"):
        bits = options.pop("format")
        return options | {"kind": bits[0]}, int(bits[1:])
    return options, options.pop("maxLength", inf)


def _fields(document: Json) -> dict[str, Json]:
    """The fields by `object.field`."""
    return {f"{one['name']}.{field['name']}": field for one in document["schema"] for field in one["properties"]}


def _forms(schema: Json) -> dict[str, Json]:
    """Each field and definition without its description."""
    forms = schema["properties"] | schema["$defs"]
    return {name: {key: value for key, value in form.items() if key != "description"} for name, form in forms.items()}


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
