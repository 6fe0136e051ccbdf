"""A Spark that stays warm: one JVM with one SparkContext, which the processes of runs attach to through Py4J.

Starting Spark and loading the connector's classes takes longer than most runs. PySpark's own gateway server is that JVM
(org.apache.spark.api.python.PythonGatewayServer): it listens on the loopback only and asks for a secret, where Spark
Connect 3.5 listens on every address and asks for nothing.

Belongs here: where it listens, attaching, probing. Not here: running the JVM (`engines.spark`), what a session does.
"""

import atexit
import functools
import gc
import logging
import os
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

from py4j.java_gateway import JavaGateway, JavaObject
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int
from pyspark.sql import SparkSession

from recruit_assets.runtime.errors import StoreUnavailable

PORT, SECRET, PIN_THREAD = "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_PIN_THREAD"


@functools.cache
def attached_session(connection: Path) -> SparkSession:
    """A session of this process in the JVM whose gateway wrote the file; StoreUnavailable where nobody answers.

    SQL settings are the process's own, the SparkContext is everyone's: it mustn't be stopped.
    """
    gateway = _connected(connection)
    atexit.register(_release, gateway)
    try:
        session = gateway.jvm.SparkSession.builder().getOrCreate().newSession()
        context = gateway.jvm.JavaSparkContext(session.sparkContext())
        conf = SparkConf(_jvm=gateway.jvm, _jconf=context.getConf())
        return SparkSession(SparkContext(gateway=gateway, jsc=context, conf=conf), session)
    except (Py4JError, OSError) as error:
        raise StoreUnavailable(f"Spark, whose address is in {connection}, doesn't work: {error}") from error


def probe_spark(connection: Path) -> None:
    """Spark runs a job, its first one if need be; StoreUnavailable while it can't."""
    gateway = _connected(connection)
    try:
        gateway.jvm.SparkSession.builder().getOrCreate().range(1).count()
    except (Py4JError, OSError) as error:
        raise StoreUnavailable(f"Spark, whose address is in {connection}, doesn't work: {error}") from error
    finally:
        gateway.close()


def _release(gateway: JavaGateway) -> None:
    """Let go of every Java object that this process holds: the gateway would keep them for as long as it lives."""
    logging.disable()  # the process ends; Py4J would tell at length that the JVM ended first
    held = [one for one in gc.get_objects() if isinstance(one, JavaObject)]
    with suppress(Py4JError, OSError):  # nobody is left who would keep them
        for one in held:
            gateway.detach(one)


def _connected(connection: Path) -> JavaGateway:
    """PySpark's own way to attach, which is told by the environment where to."""
    try:
        with connection.open("rb") as file:
            told = {PORT: str(read_int(file)), SECRET: UTF8Deserializer().loads(file), PIN_THREAD: "false"}
        with patch.dict(os.environ, told):
            return launch_gateway()
    except (Py4JError, OSError, EOFError) as error:
        raise StoreUnavailable(f"Spark, whose address is in {connection}, doesn't answer: {error}") from error
