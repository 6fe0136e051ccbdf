"""Pieces of Spark SQL that several transformations use."""

from pyspark.sql import DataFrame


def literal(text: str) -> str:
    """A string of Spark SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def hour_by_hour(rows: DataFrame) -> DataFrame:
    """The rows of an hour one after the other, as the sinks of the report database read them."""
    return rows.repartition("event_hour").sortWithinPartitions("event_hour")
