"""The check for known vulnerabilities: what it looks at, what it finds, and that nothing is open."""

import json
import zipfile
from pathlib import Path

import pytest

from recruit_assets_tests.dependencies.__main__ import ACCEPTED, ADVISORIES, REPOSITORY, main, report, sbom
from recruit_assets_tests.dependencies.advisories import Advisory, Finding, findings, update, version_key
from recruit_assets_tests.dependencies.inventory import MAVEN, PROGRAM, PYPI, Component, components, wheels

NETTY = Component(MAVEN, "io.netty:netty-handler", "4.1.96.Final-linux-x86_64")


def an_advisory(package: str, *events: dict[str, str], ecosystem: str = MAVEN, name: str = "CVE-1") -> Advisory:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    return {"id": name, "affected": [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges}]}


def found(component: Component, *events: dict[str, str], package: str = "io.netty:netty-handler") -> list[str]:
    return [
        one.fixed_in for one in findings([component], [an_advisory(package, *events, ecosystem=component.ecosystem)])
    ]


def test_no_component_has_a_known_vulnerability_that_is_not_accepted() -> None:
    assert main([]) == 0


def test_wheels_jars_bundled_jars_and_programs_are_looked_at() -> None:
    everything = components(REPOSITORY)

    names = {(one.ecosystem, one.name) for one in everything}
    assert {
        (PYPI, "dagster"), (MAVEN, "org.apache.cassandra:cassandra-all"), (MAVEN, "org.apache.kafka:kafka_2.13"),
        (MAVEN, "org.apache.spark:spark-core_2.12"), (PROGRAM, "openjdk"), (PROGRAM, "mariadb"),
    } <= names  # fmt: skip
    assert len(names) > 400


def test_a_lock_with_extras_and_hashes_is_read() -> None:
    lock = "pyspark[connect]==3.5.9 \\\n    --hash=sha256:ab\n# six==1\nPyYAML==6.0.3 ; python_version < '4'\n"

    assert list(wheels(lock)) == [Component(PYPI, "pyspark", "3.5.9"), Component(PYPI, "pyyaml", "6.0.3")]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([{"introduced": "0"}, {"fixed": "4.1.118.Final"}], ["4.1.118.Final"]),
        ([{"introduced": "4.1.97.Final"}, {"fixed": "4.1.118.Final"}], []),
        ([{"introduced": "0"}, {"fixed": "4.1.96.Final"}], []),
        ([{"introduced": "0"}, {"last_affected": "4.1.96.Final"}], ["none"]),
        ([{"introduced": "0"}, {"last_affected": "4.1.95.Final"}], []),
        ([{"introduced": "0"}], ["none"]),
        ([{"introduced": "0"}, {"fixed": "3.0"}, {"introduced": "4.0"}, {"fixed": "4.2"}], ["4.2"]),
    ],
)
def test_a_component_is_affected_within_a_range(events: list[dict[str, str]], expected: list[str]) -> None:
    assert found(NETTY, *events) == expected


def test_a_jar_that_does_not_tell_its_group_is_found_by_its_name() -> None:
    assert found(Component(MAVEN, "netty-handler", "4.1"), {"introduced": "0"}) == ["none"]
    assert found(Component(MAVEN, "org.other:netty-handler", "4.1"), {"introduced": "0"}) == []


def test_names_of_wheels_are_compared_as_pip_does() -> None:
    wheel = Component(PYPI, "typing-extensions", "4.0")

    assert found(wheel, {"introduced": "0"}, package="Typing_Extensions") == ["none"]


@pytest.mark.parametrize(
    ("ecosystem", "versions"),
    [
        (MAVEN, ["1.0-rc1", "1.0", "1.0.1", "1.2", "1.10", "1.10.1-jre", "2.0-beta9", "2.0"]),
        (PYPI, ["1.0rc1", "1.0", "1.0.post1", "1.2", "1.10"]),
    ],
)
def test_versions_are_in_order(ecosystem: str, versions: list[str]) -> None:
    assert sorted(versions, key=lambda version: version_key(ecosystem, version)) == versions


def test_an_update_keeps_what_is_about_our_packages(tmp_path: Path) -> None:
    ours, theirs = an_advisory("io.netty:netty-handler"), an_advisory("org.other:netty-handler", name="CVE-2")
    withdrawn = {**an_advisory("io.netty:netty-handler", name="CVE-3"), "withdrawn": "2026-01-01T00:00:00Z"}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as export:
        for one in (ours, theirs, withdrawn):
            export.writestr(f"{one['id']}.json", json.dumps(one))

    assert update([tmp_path / "all.zip"], [NETTY]) == [ours]


def test_an_open_finding_fails_and_so_does_an_acceptance_of_nothing() -> None:
    finding = Finding(NETTY, "CVE-1", "bad", "4.1.118.Final")

    assert report([finding], {"CVE-1": "why"}, count=1) == 0
    assert report([finding], {}, count=1) == 1
    assert report([], {"CVE-1": "why"}, count=1) == 1


def test_the_sbom_has_every_component_with_its_package_url() -> None:
    document = sbom([NETTY, Component(PYPI, "dagster", "1.13.27")])

    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    urls = [one["purl"] for one in document["components"]]  # type: ignore[attr-defined]  # a list of objects
    assert urls == ["pkg:maven/io.netty/netty-handler@4.1.96.Final-linux-x86_64", "pkg:pypi/dagster@1.13.27"]


def test_the_advisories_are_sorted_so_that_an_update_is_readable() -> None:
    advisories = json.loads(ADVISORIES.read_text(encoding="utf-8"))

    assert [one["id"] for one in advisories] == sorted(one["id"] for one in advisories)
    assert ACCEPTED.exists()
