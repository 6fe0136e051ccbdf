"""The platform as Dagster sees it: assets, checks, IO managers, resources, jobs, schedules and sensors."""

import dagster as dg
from pyspark.sql import DataFrame


def _is_data_frame(_: dg.TypeCheckContext, value: object) -> bool:
    """Spark Connect's DataFrame is another class than the one that assets are annotated with."""
    return isinstance(value, DataFrame) or type(value).__module__.startswith("pyspark.sql.connect")


dg.make_python_type_usable_as_dagster_type(
    DataFrame, dg.DagsterType(_is_data_frame, name="DataFrame", description="A Spark DataFrame.")
)
