"""Spark as a Dagster resource: dagster-pyspark's lazy session, with the connector's jars and our configuration."""

from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from dagster_pyspark.resources import spark_session_from_config
from pydantic import PrivateAttr
from pyspark.sql import SparkSession

from recruit_assets.defs.launcher.coordinator import AT_ONCE_TAG
from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.stores.spark.session import session_config
from recruit_assets.stores.spark.warm import CURRENT_POOL, DEFAULT_POOL, attached_session


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
    _pool: str = PrivateAttr(default=DEFAULT_POOL)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls this when a run starts in this process."""
        super().setup_for_execution(context)
        if context.run is not None and AT_ONCE_TAG in context.run.tags:
            self._pool = CURRENT_POOL

    @property
    def spark_session(self) -> SparkSession:
        """The process's session. The jars are resolved here and not when the code location loads."""
        settings = self.settings
        if settings.has_warm_spark:
            return attached_session(Path(settings.spark_gateway), self._pool)
        config = session_config(settings) | self.spark_config
        session: SparkSession = spark_session_from_config(config)  # type: ignore[no-untyped-call]  # dagster-pyspark's
        return session
