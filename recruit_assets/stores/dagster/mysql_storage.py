"""Dagster's MySQL storage with its password in a file: Dagster's own configuration knows only environment variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster_mysql import DagsterMySQLStorage
from sqlalchemy import URL

from recruit_assets.runtime.secret_files import read_secret
from recruit_assets.stores.dagster.compat import ConfigurableClassData


class MySqlStorage(DagsterMySQLStorage):
    """Runs, events and ticks in one database. A dagster.yaml names it as `storage: custom:`."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Names and a path only: this configuration is an argument of each run's command, which anybody can read."""
        port = dg.Field(int, is_required=False, default_value=3306)
        return {"host": str, "port": port, "user": str, "database": str, "password_file": str}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """UserError if the password can't be read."""
        return cls(mysql_url(**config_value), inst_data=inst_data)


def mysql_url(*, host: str, port: int, user: str, database: str, password_file: str) -> str:
    """SQLAlchemy's address of the database, with the password.

    Dagster connects anew for each query. With its default driver and TLS, which checks no certificate anyway, that
    costs 130 ms of CPU instead of 3.
    """
    password = read_secret(Path(password_file), named_by="password_file of Dagster's storage")
    url = URL.create("mysql+pymysql", user, password, host, port, database, query={"ssl_disabled": "true"})
    return url.render_as_string(hide_password=False)
