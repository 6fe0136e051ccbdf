"""Spark's errors as ours: whether a store or Spark itself was unavailable, or the query can't succeed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable

STACK_FRAME = re.compile(r"^\s+at .*$", re.MULTILINE)
OUTAGE = re.compile(
    "|".join(
        [
            # the network, of Spark, Cassandra's driver and Connector/J
            r"java\.io\.(IO|EOF|UncheckedIO|InterruptedIO)Exception",
            r"java\.(net|nio\.channels)\.\w+Exception",
            r"io\.netty\.\S*Exception",
            r"java\.util\.concurrent\.(Timeout|RejectedExecution)Exception",
            r"driver\.api\.core\.(AllNodesFailed|NoNodeAvailable|DriverTimeout|NodeUnavailable|RequestThrottling)",
            r"driver\.api\.core\.(connection\.\w+|servererrors\.(Unavailable|Overloaded|Bootstrapping|Server))",
            r"driver\.api\.core\.servererrors\.(Read|Write|CAS|Truncate)\w*(Timeout|Failure|WriteUnknown)",
            r"java\.sql\.SQL(Transient|NonTransientConnection|Recoverable|Timeout)\w*Exception",
            r"mysql\.cj\.\S*(Communications|ConnectionIsClosed|CJTimeout)\w*Exception",
            # an executor, the application or its memory
            r"ExecutorLostFailure|FetchFailed|ExecutorDead|Rpc\w*Exception|OutOfMemoryError|BlockNotFoundException",
            r"SparkContext (was|has been) (shut down|stopped)|stopped SparkContext|SparkContext is shutting down",
            r"Master removed our application|All masters are unresponsive|Could not find CoarseGrainedScheduler",
            # Spark Connect's server: not reachable, or started again and without our session
            r"StatusCode\.(UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|ABORTED|CANCELLED|UNKNOWN)",
            r"INVALID_HANDLE\.(SESSION|OPERATION)_\w+",
            r"JAVA_GATEWAY_EXITED",
        ]
    )
)
"""What a text of Spark's says if the same query may succeed later. A class that isn't here is one of Spark SQL, of the
JVM's own checks or of user code: the query, or the data, must change."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn an error of Spark, a screenful of Java, into one of ours with the innermost cause in one line.

    StoreUnavailable if Spark, or a store that it reads or writes, failed; Inconsistent if it can't compute the query.
    """
    try:
        yield
    except (Py4JError, PySparkException, ConnectionError) as error:
        cause = _innermost(error)
        if _is_outage(error):
            raise StoreUnavailable(f"Spark failed: {cause}") from error
        raise Inconsistent(f"Spark can't compute this: {cause}") from error


def _is_outage(error: Exception) -> bool:
    if isinstance(error, ConnectionError):
        return True  # what Py4J lets through if the JVM of this process is gone
    try:
        text = str(error)  # of an exception in Java with its causes, as Java prints them
    except (Py4JError, ConnectionError):
        return True  # the JVM is gone, and the exception's details with it
    if isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError):
        return "Trace:" not in text  # with one, the JVM has answered; otherwise it is gone
    return OUTAGE.search(STACK_FRAME.sub("", text)) is not None


def _innermost(error: Exception) -> str:
    if not isinstance(error, Py4JJavaError):
        return _first_line(str(error))
    cause = error.java_exception
    try:
        while (deeper := cause.getCause()) is not None:
            cause = deeper
        return _first_line(str(cause.toString()))
    except (Py4JError, ConnectionError):  # the JVM is gone
        return _first_line(str(error.errmsg))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
