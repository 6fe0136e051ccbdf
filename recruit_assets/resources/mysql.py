"""The report database as a Dagster resource."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from recruit_assets.resources.addresses import resolved, settings_of
from recruit_assets.settings import Settings, variable
from recruit_assets.stores.mysql import ReportDatabase, open_report_database


class MySqlResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """Host, login and database of the report; the password is an environment variable's."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls_ca: str

    @classmethod
    def of(cls, settings: Settings) -> "MySqlResource":
        return cls(
            host=settings.mysql_host,
            port=settings.mysql_port,
            user=settings.mysql_user,
            password=dg.EnvVar(variable("mysql_password")),
            database=settings.mysql_database,
            tls_ca=settings.mysql_tls_ca,
        )

    @property
    def overrides(self) -> dict[str, object]:
        """As settings; empty where no host was known when the code location loaded."""
        names = ("host", "port", "user", "password", "database", "tls_ca")
        return resolved("mysql_", self.host, {name: getattr(self, name) for name in names})

    @contextmanager
    def report_database(self) -> Iterator[ReportDatabase]:
        with open_report_database(settings_of(self.overrides)) as database:
            yield database
