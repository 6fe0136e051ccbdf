"""Spark as a Dagster resource: dagster-pyspark's lazy session, with the connector's jars and our configuration."""

from pathlib import Path
from typing import Any, ClassVar

from dagster_pyspark import LazyPySparkResource
from dagster_pyspark.resources import spark_session_from_config
from pyspark.sql import SparkSession

from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.stores.spark.session import session_config
from recruit_assets.stores.spark.warm import attached_session


class SparkResource(StoreResource, LazyPySparkResource):
    """One session per process, made at its first use and kept, so that all assets of a run share it.

    `spark_config` adds to the platform's own configuration, or overrides it.
    """

    prefix: ClassVar[str] = "spark_"
    address: ClassVar[str] = "master"

    spark_config: dict[str, Any] = {}
    master: str = ""
    remote: str = ""
    gateway: str = ""
    driver_memory: str = ""

    @property
    def spark_session(self) -> SparkSession:
        """The process's session. The jars are resolved here and not when the code location loads."""
        settings = self.settings
        if settings.has_warm_spark:
            return attached_session(Path(settings.spark_gateway))
        config = session_config(settings) | self.spark_config
        session: SparkSession = spark_session_from_config(config)  # type: ignore[no-untyped-call]  # dagster-pyspark's
        return session
