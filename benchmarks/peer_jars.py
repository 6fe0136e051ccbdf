"""The jars of the peers: DSBulk, and Spark's Kafka source. Their lock files are in `locks/`.

Run `python -m benchmarks.peer_jars` after changing a version, and commit the lock files.
"""

import logging
from pathlib import Path

from recruit_assets.runtime.artifacts.install import install
from recruit_assets.runtime.artifacts.lock import write_locks
from recruit_assets.runtime.artifacts.lockfile import read_lock
from recruit_assets.runtime.settings import Settings

LOCKS = Path(__file__).parent / "locks"
DSBULK_PARTS = (
    "runner", "workflow-load", "connectors-json", "codecs-text", "codecs-jdk", "batcher-reactor", "executor-reactor",
)  # fmt: skip
ROOTS = {
    "dsbulk": [f"com.datastax.oss:dsbulk-{part}:1.10.0" for part in DSBULK_PARTS],
    "spark-kafka": ["org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7"],  # 3.5.9 was never published for Scala 2.12
}


def peer_classpath(name: str, settings: Settings) -> tuple[Path, ...]:
    """The jars of a peer, downloaded if they aren't in the cache."""
    return install(read_lock(name, LOCKS), settings.cache_dir)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_locks(ROOTS, LOCKS, beside_pyspark={"spark-kafka"})
