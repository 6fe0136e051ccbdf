"""Everything we need of PySpark and Py4J that their public API doesn't offer: attaching to a JVM that runs already.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/spark/test_compat.py` shows what has changed.
"""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from py4j.finalizer import ThreadSafeFinalizer
from py4j.java_gateway import JavaGateway, JavaObject
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int
from pyspark.sql import SparkSession

CHECKED_WITH = {"pyspark": "3.5.9", "py4j": "0.10.9.9"}


def connect_gateway(connection: Path) -> JavaGateway:
    """A gateway to the JVM whose PythonGatewayServer wrote the file (_PYSPARK_DRIVER_CONN_INFO_PATH)."""
    with connection.open("rb") as file:
        address = {
            "PYSPARK_GATEWAY_PORT": str(read_int(file)),
            "PYSPARK_GATEWAY_SECRET": UTF8Deserializer().loads(file),
            "PYSPARK_PIN_THREAD": "false",
        }
    with _environment(address):
        return launch_gateway()


def new_session(gateway: JavaGateway) -> SparkSession:
    """A new session in the JVM's SparkContext. The first session of a JVM starts its SparkContext."""
    session = gateway.jvm.SparkSession.builder().getOrCreate().newSession()
    context = gateway.jvm.JavaSparkContext(session.sparkContext())
    # PySpark requires these two, and takes everything else from the context itself
    conf = SparkConf(loadDefaults=False).setAll(
        [("spark.master", context.master()), ("spark.app.name", context.appName())]
    )
    with _sigint_kept():
        return SparkSession(SparkContext(gateway=gateway, jsc=context, conf=conf), session)


@contextmanager
def _sigint_kept() -> Iterator[None]:
    """PySpark's own handler cancels every job of the JVM: a canceled run would take other runs' jobs with it."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


def held_objects() -> list[JavaObject]:
    """The objects of JVMs that this process holds a reference to."""
    references = list(ThreadSafeFinalizer.finalizers.values())
    return [held for held in (reference() for reference in references) if held is not None]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
