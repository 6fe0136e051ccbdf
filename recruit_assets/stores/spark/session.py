"""The configuration of a Spark session and of its context."""

import os

from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.settings import Settings

SQL = {
    "spark.sql.session.timeZone": "UTC",
    # adaptive planning adds jobs, and `by_key` already knows how much is read
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, not a wrong number
}
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def session_config(settings: Settings) -> dict[str, str]:
    """The configuration of a session: one started in this process, or one at a Spark Connect server."""
    if settings.spark_remote:
        return {"spark.remote": settings.spark_remote} | SQL
    os.environ.setdefault("JAVA_HOME", str(java_home()))  # the Java that pyspark launches
    return context_config(settings) | {
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.jars": ",".join(str(jar) for jar in classpath("spark", settings)),
    }


def context_config(settings: Settings) -> dict[str, str]:
    """The configuration of every SparkContext, in this process or in the warm JVM."""
    return {
        "spark.app.name": "recruit_assets",
        "spark.master": settings.spark_master,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "com.datastax.spark.connector.CassandraSparkExtensions",
        # a run generates about 60 classes; with the default of 100 they are soon evicted and compiled again
        "spark.sql.codegen.cache.maxEntries": "1000",
        **SQL,
        **(LOOPBACK if settings.spark_master.startswith("local") else _share_of_cluster(settings)),
    }


def _share_of_cluster(settings: Settings) -> dict[str, str]:
    """Limits, without which a standalone master gives all its cores to the first session."""
    address = {"spark.driver.host": settings.spark_driver_host} if settings.spark_driver_host else {}
    return address | {
        "spark.cores.max": str(settings.spark_cores_max),
        "spark.executor.memory": settings.spark_executor_memory,
    }
