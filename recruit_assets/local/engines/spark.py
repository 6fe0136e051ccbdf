"""A warm Spark JVM to which the runs on this machine attach (`stores.spark.warm`).

For a Spark cluster, set RECRUIT_SPARK_MASTER instead.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyspark

from recruit_assets.local.engines.engine import Command, EngineName
from recruit_assets.local.engines.jvm import arguments_mark, java
from recruit_assets.runtime.artifacts import classpath
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.session import LOOPBACK_ADDRESS, context_config
from recruit_assets.stores.spark.warm import probe_spark

MAIN = "org.apache.spark.api.python.PythonGatewayServer"
CONNECTION_VARIABLE = "_PYSPARK_DRIVER_CONN_INFO_PATH"
ALL_CORES = "local[*]"
RUNS_BESIDE_EACH_OTHER = 2
"""That of the current hour, and that of past ones."""
OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
    "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
    "sun.util.calendar",
)  # fmt: skip
"""Packages that Spark accesses by reflection: org.apache.spark.launcher.JavaModuleOptions, 3.5."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A SparkContext that waits for runs. It chooses its port and writes it, with a secret, to `connection`."""

    settings: Settings
    folder: Path
    ports: Mapping[str, int]
    lock: str = "spark"
    name: EngineName = EngineName.SPARK
    short_lived: bool = False

    @property
    def mark(self) -> str:
        return arguments_mark(self.folder)

    @property
    def connection(self) -> Path:
        return self.folder / "connection"

    def prepare(self, echo: Echo) -> Command:
        self.connection.unlink(missing_ok=True)  # of an earlier process
        (self.folder / "data").mkdir(exist_ok=True)
        jars = [*Path(pyspark.__file__).parent.joinpath("jars").glob("*.jar"), *classpath("spark", self.settings)]
        # `data`: Spark would split a path at its commas
        config = context_config(self.settings) | _shared(self.settings.spark_master) | {"spark.local.dir": "data"}
        options = (
            f"-Xmx{self.settings.spark_driver_memory}",
            "-XX:+ExitOnOutOfMemoryError",
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
            *(f"-D{name}={value}" for name, value in config.items()),
        )
        command = java(self.folder, jars=jars, options=options, main=[MAIN], short_lived=self.short_lived)
        variables = {CONNECTION_VARIABLE: str(self.connection), "PYSPARK_PIN_THREAD": "false", **LOOPBACK_ADDRESS}
        # the JVM exits at the end of its standard input
        return replace(command, environment={**command.environment, **variables}, keeps_stdin=True)

    def probe(self) -> None:
        probe_spark(self.connection)

    def endpoints(self) -> Mapping[str, str | int]:
        return {"spark_gateway": str(self.connection)}


def _shared(master: str) -> dict[str, str]:
    """Threads for two runs, if all cores are to be used.

    A job has as many tasks as there are cores. Those of a busy past hour take half a minute, and the current hour's
    would wait for them.
    """
    if master != ALL_CORES:
        return {}
    cores = len(os.sched_getaffinity(0))
    return {"spark.master": f"local[{RUNS_BESIDE_EACH_OTHER * cores}]", "spark.default.parallelism": str(cores)}
