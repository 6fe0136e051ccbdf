"""A JVM that has Kafka's own Java client, driven from Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
from py4j.java_gateway import JavaGateway

from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.settings import Settings


@contextmanager
def java_gateway(settings: Settings) -> Iterator[JavaGateway]:
    """A JVM with the jars of the Kafka engine."""
    py4j = next((Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar"))
    gateway = JavaGateway.launch_gateway(
        classpath=":".join(str(jar) for jar in (*classpath("kafka", settings), py4j)),
        java_path=str(java_home() / "bin" / "java"),
        die_on_exit=True,
    )
    try:
        yield gateway
    finally:
        gateway.shutdown()
