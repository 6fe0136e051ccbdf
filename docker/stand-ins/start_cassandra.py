"""Cassandra as the official image starts it: MAX_HEAP_SIZE, JVM_EXTRA_OPTS, CASSANDRA_DC and CASSANDRA_RACK.

Other CASSANDRA_* variables of the image aren't supported: compose.yaml passes its own file in -Dcassandra.config.
"""

import os
from importlib.resources import files
from pathlib import Path

from recruit_assets.local.engines.cassandra import JAVA_BASE_EXPORTS, JAVA_BASE_OPENS, LIBRARIES, OTHER_MODULES
from recruit_assets.local.engines.jvm import java

CONFIG = Path("/etc/cassandra")
DATA = Path("/var/lib/cassandra")


def main() -> None:
    """Write the configuration, then replace this process by the node."""
    datacenter, rack = os.environ.get("CASSANDRA_DC", "dc1"), os.environ.get("CASSANDRA_RACK", "rack1")
    (CONFIG / "cassandra-rackdc.properties").write_text(f"dc={datacenter}\nrack={rack}\n", encoding="utf-8")
    logback = CONFIG / "logback.xml"
    logback.write_bytes((files("recruit_assets.local.engines") / "templates" / "logback.xml").read_bytes())
    jars = [CONFIG, *(Path(line) for line in Path("/opt/jars.txt").read_text(encoding="utf-8").splitlines())]
    heap = os.environ.get("MAX_HEAP_SIZE", "1024M")
    options = (
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Xss256k",
        *LIBRARIES,
        *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_EXPORTS),
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_OPENS),
        *OTHER_MODULES,
        f"-Dcassandra.storagedir={DATA}",
        f"-Dlogback.configurationFile={logback.as_uri()}",
        "-Dcassandra-foreground=yes",
        *os.environ.get("JVM_EXTRA_OPTS", "").split(),
    )
    folder = Path("/tmp/cassandra")  # noqa: S108  # a container's own
    folder.mkdir(exist_ok=True)
    node = java(folder, jars=jars, options=options, main=["org.apache.cassandra.service.CassandraDaemon"])
    os.execve(node.arguments[0], node.arguments, dict(node.environment))  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
