"""The Spark that this process starts is ours, whatever another Spark on the machine has set."""

import os
import pwd
import sys
from pathlib import Path

import pyspark
import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.spark import session
from recruit_assets.stores.spark.session import session_config

OTHER = {
    "SPARK_HOME": "/opt/spark",
    "SPARK_CONF_DIR": "/etc/spark",
    "SPARK_REMOTE": "sc://elsewhere",
    "PYSPARK_SUBMIT_ARGS": "--master yarn",
    "PYSPARK_PYTHON": "/nowhere/python",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "JAVA_HOME": "/opt/java-8",
    "SPARK_LOCAL_DIRS": "/scratch",
    "LC_ALL": "xx_YY",
}
JARS = (Path("/a, b/x.jar"), Path("/a, b/y.jar"))


@pytest.fixture(autouse=True)
def _another_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OTHER, "SPARK_LOCAL_IP"):
        monkeypatch.setenv(name, OTHER.get(name, "192.0.2.1"))
    monkeypatch.setattr(session, "classpath", lambda *_: JARS)
    monkeypatch.setattr(session, "java_home", lambda: Path("/our/java"))


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in (*OTHER, "SPARK_LOCAL_IP") if name in os.environ}


def test_a_local_session_takes_nothing_from_another_spark() -> None:
    config = session_config(load_settings())

    assert environment() == {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "JAVA_HOME": "/our/java",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": "/scratch",
        "LC_ALL": "C.UTF-8",
    }
    assert config["spark.driver.extraClassPath"] == "/a, b/x.jar:/a, b/y.jar"


def test_a_session_on_a_cluster_keeps_its_configuration_but_runs_our_version() -> None:
    config = session_config(load_settings(spark_master="spark://there:7077"))

    ours = {"SPARK_HOME": str(Path(pyspark.__file__).parent), "JAVA_HOME": "/our/java", "SPARK_LOCAL_IP": "192.0.2.1"}
    assert environment() == {name: value for name, value in (OTHER | ours).items() if name != "SPARK_REMOTE"}
    assert config["spark.jars"] == "file:///a%2C%20b/x.jar,file:///a%2C%20b/y.jar"


def test_a_user_id_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark fails with "invalid null input: name"."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)

    with pytest.raises(UserError, match=f"Spark needs the name of its user, and the user id {os.geteuid()} has none"):
        session_config(load_settings())
