"""The locks hold all that is needed, with each Python and on each machine that the README names.

Whether each locked wheel exists there takes a package index: `make lock` asks one.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
EXTRAS = ("build", "dev")


@pytest.fixture(params=[(python, machine) for python in ("3.11", "3.12") for machine in ("x86_64", "aarch64")])
def environment(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """What markers ask of such a Python and machine."""
    python, machine = request.param
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine,
    }  # fmt: skip


def test_each_requirement_of_each_package_is_locked(environment: Mapping[str, str]) -> None:
    locked = dict(pinned(environment))
    wrong = [
        str(each)
        for each in requirements("recruit_assets", EXTRAS, environment, set())
        if not each.specifier.contains(locked.get(canonicalize_name(each.name), "0"), prereleases=True)
        or canonicalize_name(each.name) not in locked
    ]

    assert len(locked) > 150
    assert wrong == []


def pinned(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and versions of the locks."""
    for lock in LOCKS:
        for line in (REPOSITORY / lock).read_text(encoding="utf-8").splitlines():
            if "==" in line:
                one = Requirement(line.rstrip(" \\"))
                if one.marker is None or one.marker.evaluate(dict(environment)):
                    yield canonicalize_name(one.name), next(iter(one.specifier)).version


def requirements(
    package: str, extras: tuple[str, ...], environment: Mapping[str, str], seen: set[tuple[str, str]]
) -> Iterator[Requirement]:
    """Each requirement of an installed package and its extras, and of those in turn, where its condition holds."""
    for extra in ("", *extras):
        if (package, extra) in seen:
            continue
        seen.add((package, extra))
        for text in distribution(package).requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({**environment, "extra": extra}):
                yield one
                yield from requirements(canonicalize_name(one.name), tuple(one.extras), environment, seen)
