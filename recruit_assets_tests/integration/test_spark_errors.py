"""Which of Spark's errors are outages, in the warm Spark of the local engines."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import FILTERED_EVENTS, MYSQL_REPORT
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.spark.errors import translated_errors
from recruit_assets.stores.spark.frames import CassandraFrames, sql_frame
from recruit_assets_tests.support.impostor import impostor

Query = Callable[[SparkSession, Settings], object]
CLOSED_PORT = 1


def computed(expression: str) -> Query:
    return lambda spark, _: spark.range(3).selectExpr(expression).collect()


def streamed(expression: str) -> Query:
    return lambda spark, _: list(spark.range(3).selectExpr(expression).toLocalIterator(prefetchPartitions=True))


def missing_table(spark: SparkSession, settings: Settings) -> object:
    return CassandraFrames(spark, settings).table(replace(FILTERED_EVENTS, name="no_such_table")).count()


def from_cassandra(spark: SparkSession, settings: Settings) -> object:
    return CassandraFrames(spark, settings).table(FILTERED_EVENTS).count()


def from_mysql(spark: SparkSession, settings: Settings) -> object:
    return sql_frame(spark, settings, MYSQL_REPORT).count()


@pytest.mark.usefixtures("frames")  # until then, Spark misses the keyspace instead of the table
@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(missing_table, "no_such_table", id="a table that doesn't exist"),
        pytest.param(computed("nope"), "nope", id="a column that doesn't exist"),
        pytest.param(lambda spark, _: spark.sql("SELEC 1"), "SELEC", id="no SQL"),
        pytest.param(computed("id / (id - id)"), "DIVIDE_BY_ZERO", id="a division by zero"),
        pytest.param(computed("cast(concat('x', id) AS int)"), "CAST_INVALID_INPUT", id="a value of another type"),
        pytest.param(streamed("cast(id + 2147483647 AS int) + 1"), "OVERFLOW", id="an overflow in streamed rows"),
        pytest.param(computed("raise_error('not mine')"), "not mine", id="an error that the query raises"),
    ],
)
def test_a_query_that_cannot_be_computed_is_no_outage(
    spark: SparkSession, settings: Settings, query: Query, found: str
) -> None:
    """It would be tried again and again, and reported as if a store were down."""
    with pytest.raises(Inconsistent, match=rf"^Spark can't compute this: .*{found}"), translated_errors():
        query(spark, settings)


@pytest.mark.parametrize("query", [from_cassandra, from_mysql])
def test_a_store_that_spark_cannot_reach_is_an_outage(spark: SparkSession, settings: Settings, query: Query) -> None:
    away = load_settings(**settings.model_dump() | {"cassandra_port": CLOSED_PORT, "mysql_port": CLOSED_PORT})

    with pytest.raises(StoreUnavailable, match=r"^Spark failed: "), translated_errors():
        query(spark, away)


def test_a_server_that_poses_as_the_database_gets_no_password_from_spark(
    spark: SparkSession, settings: Settings
) -> None:
    with impostor(b"mysql_clear_password") as server:
        away = load_settings(**settings.model_dump() | {"mysql_port": server.port, "mysql_password": "hunter2"})
        with pytest.raises(Inconsistent, match="authentication plugin 'mysql_clear_password'"), translated_errors():
            from_mysql(spark, away)

    assert settings.mysql_user.encode() in server.heard
    assert b"hunter2" not in server.heard
