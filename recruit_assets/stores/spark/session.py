"""The configuration of a Spark session and of its context."""

import os
import pwd
import sys
from pathlib import Path

import pyspark

from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings

SQL = {
    "spark.sql.session.timeZone": "UTC",
    # adaptive planning adds jobs, and `by_key` already knows how much is read
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, not a wrong number
}
LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.authenticate": "true",  # its ports ask for a secret that only its own process has
}
LOOPBACK_ADDRESS = {"SPARK_LOCAL_IP": "127.0.0.1"}
"""Without this variable Spark looks up the machine's name, and doesn't start if the name has no address."""
OTHER_SPARK = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "JDK_JAVA_OPTIONS")
"""Variables that configure another Spark on this machine: its home, master, jars and arguments."""
KEPT = ("SPARK_LOCAL_DIRS",)


def session_config(settings: Settings) -> dict[str, str]:
    """The configuration of a session: one started in this process, or one at a Spark Connect server."""
    if settings.spark_remote:
        return {"spark.remote": settings.spark_remote} | SQL
    jars = classpath("spark", settings)
    local = settings.spark_master.startswith("local")
    _prepare_environment(local=local)
    return context_config(settings) | {
        "spark.driver.memory": settings.spark_driver_memory,
        # executors of a cluster fetch the jars from this driver; as addresses, since Spark splits the list at commas
        **(
            {"spark.driver.extraClassPath": ":".join(str(jar) for jar in jars)}
            if local
            else {"spark.jars": ",".join(jar.as_uri() for jar in jars)}
        ),
    }


def context_config(settings: Settings) -> dict[str, str]:
    """The configuration of every SparkContext, in this process or in the warm JVM."""
    require_user_name()
    return {
        "spark.app.name": "recruit_assets",
        "spark.master": settings.spark_master,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "com.datastax.spark.connector.CassandraSparkExtensions",
        # a run generates about 60 classes; with the default of 100 they are soon evicted and compiled again
        "spark.sql.codegen.cache.maxEntries": "1000",
        # the next task is one of the pool with the fewest running tasks; by default, one of the oldest job
        "spark.scheduler.mode": "FAIR",
        **SQL,
        **(LOOPBACK if settings.spark_master.startswith("local") else _share_of_cluster(settings)),
    }


def _prepare_environment(*, local: bool) -> None:
    """Have pyspark launch its own Spark, in this process's environment, with our Java."""
    os.environ.pop("SPARK_REMOTE", None)
    if local:
        for name in [name for name in os.environ if name.startswith(OTHER_SPARK) and name not in KEPT]:
            del os.environ[name]
        # Java reads paths in the encoding of the locale
        os.environ |= LOOPBACK_ADDRESS | {"PYSPARK_PYTHON": sys.executable, "LC_ALL": "C.UTF-8"}
    os.environ |= {"JAVA_HOME": str(java_home()), "SPARK_HOME": str(Path(pyspark.__file__).parent)}


def require_user_name() -> None:
    """UserError if this process's user has no name."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise UserError(
            f"Spark needs the name of its user, and the user id {os.geteuid()} has none on this machine: add it to "
            "/etc/passwd, or run as a user that has a name"
        ) from None


def _share_of_cluster(settings: Settings) -> dict[str, str]:
    """Limits, without which a standalone master gives all its cores to the first session."""
    address = {"spark.driver.host": settings.spark_driver_host} if settings.spark_driver_host else {}
    return address | {
        "spark.cores.max": str(settings.spark_cores_max),
        "spark.executor.memory": settings.spark_executor_memory,
    }
