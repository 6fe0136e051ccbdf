"""Kafka as apache/kafka starts it: KAFKA_X_Y sets property x.y, KAFKA_HEAP_OPTS the heap, CLUSTER_ID the cluster id."""

import os
from pathlib import Path

from recruit_assets.local.engines.jvm import java
from recruit_assets.local.engines.kafka import FORMAT_TIMEOUT_S, LOGGING
from recruit_assets.local.engines.processes import run_to_end

FOLDER = Path("/tmp/kafka")  # noqa: S108  # a container's own
PREFIX = "KAFKA_"
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}
CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
"""The official image's default."""


def properties() -> str:
    names = [name for name in os.environ if name.startswith(PREFIX) and name not in NOT_PROPERTIES]
    return "".join(f"{name.removeprefix(PREFIX).lower().replace('_', '.')}={os.environ[name]}\n" for name in names)


def main() -> None:
    """Format new storage, then replace this process by the broker."""
    FOLDER.mkdir(exist_ok=True)
    config = FOLDER / "server.properties"
    config.write_text(properties(), encoding="utf-8")
    jars = [Path(line) for line in Path("/opt/jars.txt").read_text(encoding="utf-8").splitlines()]
    heap = os.environ.get("KAFKA_HEAP_OPTS", "-Xmx1G -Xms1G").split()
    cluster = os.environ.get("CLUSTER_ID", CLUSTER_ID)
    storage = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster, "-c", str(config)]
    options = (*heap, *LOGGING)
    run_to_end(java(FOLDER, jars=jars, options=options, main=storage, file="format.args"), timeout_s=FORMAT_TIMEOUT_S)
    broker = java(FOLDER, jars=jars, options=options, main=["kafka.Kafka", str(config)])
    os.execve(broker.arguments[0], broker.arguments, dict(broker.environment))  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
