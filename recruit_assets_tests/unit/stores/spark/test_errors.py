"""Which errors are outages, by what Spark says. `integration/test_spark_errors.py` has Spark say it."""

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.stores.spark.errors import translated_errors

ABORTED = (
    "(org.apache.spark.SparkException) Job aborted due to stage failure: Task 0 in stage 2.0 failed 4 times, most "
    "recent failure: Lost task 0.3 in stage 2.0 (TID 7) (10.0.0.7 executor 1): "
)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Py4JNetworkError("Answer from Java side is empty"), id="the JVM died during a call"),
        pytest.param(Py4JError("An error occurred while calling o17.count"), id="the JVM died before a call"),
        pytest.param(ConnectionRefusedError(111, "Connection refused"), id="the JVM of this process died"),
        pytest.param(
            PySparkException(
                "<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "
                '"failed to connect to all addresses"'
            ),
            id="no Connect server",
        ),
        pytest.param(
            PySparkException("[INVALID_HANDLE.SESSION_NOT_FOUND] The handle is invalid. Session not found."),
            id="a Connect server that was started again",
        ),
        pytest.param(
            PySparkException(
                "Job aborted due to stage failure: Task 3 in stage 9.0 failed 4 times, most recent failure: Lost task "
                "3.3 in stage 9.0 (TID 31) (10.0.0.7 executor 1): ExecutorLostFailure (executor 1 exited)"
            ),
            id="a lost executor",
        ),
        pytest.param(
            PySparkException(ABORTED + "java.io.IOException: Failed to open native connection to Cassandra"),
            id="Cassandra is away from an executor",
        ),
        pytest.param(
            PySparkException(
                ABORTED + "java.lang.RuntimeException\n\tat a.B.c(B.scala:1)\nCaused by: "
                "com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException: Cassandra timeout"
            ),
            id="Cassandra timed out",
        ),
        pytest.param(
            PySparkException("Job 3 cancelled because SparkContext was shut down"), id="the application was stopped"
        ),
    ],
)
def test_what_may_succeed_later_is_an_outage(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=r"^Spark failed: "), translated_errors():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(
            Py4JError("An error occurred while calling o17.nope. Trace:\npy4j.Py4JException: no method nope"),
            id="a call that Java doesn't know",
        ),
        pytest.param(PySparkException("[TABLE_OR_VIEW_NOT_FOUND] The table or view cannot be found"), id="a table"),
        pytest.param(
            PySparkException(
                ABORTED + "org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero\n"
                "\tat java.io.IOException.mentioned(In.java:1)\n\tat java.net.SocketException.mentioned(In.java:2)"
            ),
            id="an executor's arithmetic, whose stack frames name the network",
        ),
        pytest.param(
            PySparkException("An exception was thrown from the Python worker.\nZeroDivisionError: division by zero"),
            id="a function in Python",
        ),
        pytest.param(
            PySparkException(
                ABORTED + "com.datastax.oss.driver.api.core.servererrors.InvalidQueryException: Undefined column name x"
            ),
            id="a query that Cassandra rejects",
        ),
    ],
)
def test_what_fails_each_time_is_no_outage(error: Exception) -> None:
    with pytest.raises(Inconsistent, match=r"^Spark can't compute this: "), translated_errors():
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated_errors():
        _ = 1 / 0
