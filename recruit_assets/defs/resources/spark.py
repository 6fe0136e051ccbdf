"""Spark as a Dagster resource: dagster-pyspark's lazy session, with the connector's jars and our configuration."""

from pathlib import Path

from dagster_pyspark import LazyPySparkResource
from dagster_pyspark.resources import spark_session_from_config
from pyspark.sql import SparkSession

from recruit_assets.defs.resources.base import settings_of
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.session import session_config
from recruit_assets.stores.spark.warm import attached_session


class SparkResource(LazyPySparkResource):
    """One session per process, made at its first use and kept, so that all assets of a run share it.

    `spark_config` adds to or overrides the platform's own configuration.
    """

    master: str
    remote: str
    gateway: str
    driver_memory: str

    @classmethod
    def of(cls, settings: Settings) -> "SparkResource":
        return cls(
            spark_config={},
            master=settings.spark_master,
            remote=settings.spark_remote,
            gateway=settings.spark_gateway,
            driver_memory=settings.spark_driver_memory,
        )

    @property
    def spark_session(self) -> SparkSession:
        """The process's session. The jars are resolved here and not when the code location loads."""
        overrides = {
            "spark_master": self.master,
            "spark_remote": self.remote,
            "spark_driver_memory": self.driver_memory,
        }
        settings = settings_of(overrides, {"spark_gateway": self.gateway} if self.gateway else {})
        if settings.has_warm_spark:
            return attached_session(Path(settings.spark_gateway))
        config = session_config(settings) | self.spark_config
        session: SparkSession = spark_session_from_config(config)  # type: ignore[no-untyped-call]  # dagster-pyspark's
        return session
