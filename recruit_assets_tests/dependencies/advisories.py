"""Known vulnerabilities in OSV's format (ossf.github.io/osv-schema), and which components they affect."""

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from packaging.version import Version

from recruit_assets_tests.dependencies.inventory import MAVEN, PYPI, Component

Advisory = Mapping[str, Any]
_PRE_RELEASE = re.compile(r"[.-]?(alpha|beta|rc|cr|m|milestone|snapshot|ea)[.-]?\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """An advisory that affects a component."""

    component: Component
    advisory: str
    summary: str
    fixed_in: str


def read_advisories(file: Path) -> Sequence[Advisory]:
    """A list of advisories, as `update` writes it."""
    advisories: list[Advisory] = json.loads(file.read_text(encoding="utf-8"))
    return advisories


def findings(components: Iterable[Component], advisories: Iterable[Advisory]) -> list[Finding]:
    """Every affected component with its advisory, sorted."""
    by_name: dict[tuple[str, str], list[Component]] = defaultdict(list)
    for component in components:
        by_name[component.ecosystem, _normalized(component.name)].append(component)
    found = {
        Finding(component, advisory["id"], advisory.get("summary", ""), fixed)
        for advisory in advisories
        for affected in advisory.get("affected", ())
        for package in _packages(affected)
        for component in by_name[package]
        for fixed in _fixed_in(component, affected)
    }
    return sorted(found)


def update(exports: Iterable[Path], components: Sequence[Component]) -> list[Advisory]:
    """From OSV's exports (all.zip of an ecosystem), the advisories about these components' packages, sorted by id."""
    names = {(component.ecosystem, _normalized(component.name)) for component in components}
    kept = {
        advisory["id"]: advisory
        for export in exports
        for advisory in _exported(export)
        if "withdrawn" not in advisory
        and any(names.intersection(_packages(one)) for one in advisory.get("affected", ()))
    }
    return [kept[name] for name in sorted(kept)]


def _exported(export: Path) -> Iterator[Advisory]:
    with zipfile.ZipFile(export) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def _packages(affected: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The package's ecosystem and name; that of a jar also without its group, which some jars don't tell."""
    package = affected.get("package", {})
    ecosystem, name = package.get("ecosystem", ""), _normalized(package.get("name", ""))
    names = (name, name.rpartition(":")[2]) if ecosystem == MAVEN else (name,)
    return tuple((ecosystem, one) for one in names)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _fixed_in(component: Component, affected: Mapping[str, Any]) -> Iterator[str]:
    """The version that mends it, or "none", for each range or list that has the component's version."""
    if component.version in affected.get("versions", ()):
        yield "see the advisory"
        return
    for span in affected.get("ranges", ()):
        if span.get("type") == "GIT":
            continue
        events = [next(iter(event.items())) for event in span["events"]]
        for (kind, begin), (end_kind, end) in pairwise([*events, ("end", "")]):
            if kind != "introduced" or not _is_in(component, begin, end_kind, end):
                continue
            yield end if end_kind == "fixed" else "none"


def _is_in(component: Component, begin: str, end_kind: str, end: str) -> bool:
    key = partial(version_key, component.ecosystem)
    version = key(component.version)
    if begin != "0" and version < key(begin):
        return False
    is_before_end: bool = end_kind not in ("fixed", "last_affected") or version < key(end)
    return is_before_end or (end_kind == "last_affected" and version == key(end))


def version_key(ecosystem: str, version: str) -> Any:
    """A key that orders versions of one ecosystem. Qualifiers of releases, such as Final and jre, don't count."""
    if ecosystem == PYPI:
        return Version(version)
    numbers = re.match(r"\d+(\.\d+)*", version)
    if numbers is None:
        raise ValueError(f"a version without a number: {version}")
    parts = [int(number) for number in numbers[0].split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return parts, not _PRE_RELEASE.search(version)
