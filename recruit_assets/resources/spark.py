"""Spark as a Dagster resource: dagster-pyspark's lazy session, with the connector's jars and our configuration."""

from dagster_pyspark import LazyPySparkResource
from dagster_pyspark.resources import spark_session_from_config
from pyspark.sql import SparkSession

from recruit_assets.resources.addresses import settings_of
from recruit_assets.settings import Settings
from recruit_assets.stores.spark import session_config


class SparkResource(LazyPySparkResource):
    """One session per process, made at its first use and kept, so that all assets of a run share it.

    `spark_config` adds to or overrides the platform's own configuration.
    """

    master: str
    remote: str
    driver_memory: str

    @classmethod
    def of(cls, settings: Settings) -> "SparkResource":
        return cls(
            spark_config={},
            master=settings.spark_master,
            remote=settings.spark_remote,
            driver_memory=settings.spark_driver_memory,
        )

    @property
    def spark_session(self) -> SparkSession:
        """The process's session. The jars are resolved here and not when the code location loads."""
        settings = settings_of(
            {"spark_master": self.master, "spark_remote": self.remote, "spark_driver_memory": self.driver_memory}
        )
        config = session_config(settings) | self.spark_config
        session: SparkSession = spark_session_from_config(config)  # type: ignore[no-untyped-call]  # dagster-pyspark's
        return session
