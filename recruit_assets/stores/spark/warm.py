"""A warm Spark: one JVM with one SparkContext, to which the processes of runs attach through Py4J.

Starting Spark and loading the connector's classes takes longer than most runs. The JVM is PySpark's own gateway server
(org.apache.spark.api.python.PythonGatewayServer), which listens on the loopback interface and asks for a secret. Spark
Connect 3.5 listens on every interface and asks for nothing.
"""

import atexit
import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from py4j.java_gateway import JavaGateway
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.spark.compat import connect_gateway, held_objects, new_session

DEFAULT_POOL, CURRENT_POOL = "default", "current"


def attached_session(connection: Path, pool: str = DEFAULT_POOL) -> SparkSession:
    """This process's session in the JVM whose gateway wrote the file; StoreUnavailable if the JVM doesn't answer.

    The SQL settings are the session's own, but all processes share the SparkContext: don't stop it. From now on its
    jobs are in this pool. Pools take turns, so a long job of the past doesn't hold up the current hour's.
    """
    with _translated_errors(connection):
        session = _session(connection)
        session.sparkContext.setLocalProperty("spark.scheduler.pool", pool)
        return session


@functools.cache
def _session(connection: Path) -> SparkSession:
    """One for the whole process: PySpark allows no second SparkContext."""
    gateway = connect_gateway(connection)
    atexit.register(_release, gateway)
    return new_session(gateway)


def probe_spark(connection: Path) -> None:
    """Have Spark run a job, which starts its context if need be; StoreUnavailable if it can't."""
    with _translated_errors(connection):
        gateway = connect_gateway(connection)
        try:
            gateway.jvm.SparkSession.builder().getOrCreate().range(1).count()
        finally:
            gateway.close()


def _release(gateway: JavaGateway) -> None:
    """Release every Java object that this process holds; otherwise the JVM keeps them for as long as it lives."""
    logging.disable()  # if the JVM has ended first, Py4J logs a traceback for each object
    with suppress(Py4JError, OSError):  # the JVM is gone, and its objects with it
        for held in held_objects():
            gateway.detach(held)


@contextmanager
def _translated_errors(connection: Path) -> Iterator[None]:
    try:
        yield
    except (Py4JError, OSError, EOFError) as error:
        raise StoreUnavailable(f"Spark failed (its address is in {connection}): {error}") from error
