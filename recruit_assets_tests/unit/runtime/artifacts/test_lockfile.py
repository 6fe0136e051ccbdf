"""The committed locks, and their file format."""

import re
from pathlib import Path

import pyspark
import pytest

from recruit_assets.runtime.artifacts.lock import FOREIGN, ROOTS
from recruit_assets.runtime.artifacts.lockfile import LOCKS, LockedArtifact, format_lock, read_lock
from recruit_assets.runtime.errors import UserError

LOCK_NAMES = sorted(ROOTS)


def test_every_root_has_a_committed_lock() -> None:
    assert {entry.name for entry in LOCKS.iterdir()} == {f"{name}.toml" for name in LOCK_NAMES}


@pytest.mark.parametrize("name", LOCK_NAMES)
def test_a_lock_was_written_from_the_current_roots(name: str) -> None:
    """A version that is changed without locking again would have no effect."""
    roots = re.findall(r'^  "(.+)",$', (LOCKS / f"{name}.toml").read_text(), re.MULTILINE)

    assert roots == ROOTS[name]


@pytest.mark.parametrize("name", LOCK_NAMES)
def test_a_lock_lists_each_file_once_with_hash_and_size_and_none_of_other_platforms(name: str) -> None:
    artifacts = read_lock(name)

    assert len({artifact.path for artifact in artifacts}) == len(artifacts)
    assert all(re.fullmatch(r"[0-9a-f]{64}", artifact.sha256) for artifact in artifacts)
    assert all(artifact.size_bytes > 0 for artifact in artifacts)
    assert not [artifact for artifact in artifacts for foreign in FOREIGN if foreign in artifact.classifier]


@pytest.mark.parametrize("name", ["spark", "spark-connect"])
def test_a_spark_lock_has_no_library_that_pyspark_contains(name: str) -> None:
    """Two versions of a library on a class path cause obscure failures."""
    shipped = {jar.stem.rpartition("-")[0] for jar in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}

    assert not shipped & {artifact.artifact for artifact in read_lock(name)}


def test_a_written_lock_can_be_read(tmp_path: Path) -> None:
    artifacts = [
        LockedArtifact("org.example", "plain", "1.0", "", "ab" * 32, 10),
        LockedArtifact("org.example", "native", "1.0", "linux-x86_64", "cd" * 32, 20),
    ]
    (tmp_path / "mine.toml").write_text(format_lock(["org.example:plain:1.0"], artifacts))

    assert read_lock("mine", tmp_path) == tuple(artifacts)


def test_an_artifact_has_mavens_path() -> None:
    native = LockedArtifact("io.netty", "netty-tcnative", "2.0", "linux-x86_64", "ab" * 32, 1)

    assert str(native.path) == "io/netty/netty-tcnative/2.0/netty-tcnative-2.0-linux-x86_64.jar"
    assert str(native) == "io.netty:netty-tcnative:linux-x86_64:2.0"


def test_an_error_about_an_unknown_class_path_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="'flink'; known are cassandra, kafka, mariadb, spark, spark-connect"):
        read_lock("flink")
