"""The report database as a Dagster resource."""

import dagster as dg
from pydantic import PrivateAttr

from recruit_assets.defs.resources.base import resolved, settings_of
from recruit_assets.defs.resources.run_scope import Kept
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database


class MySqlResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """Host, login and database of the report; the password is an environment variable's."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls_ca: str
    _kept: Kept[ReportDatabase] = PrivateAttr(default_factory=Kept)

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

    def report_database(self) -> ReportDatabase:
        """The run's connection; everyone in the run has the same."""
        return self._kept.get(lambda: open_report_database(settings_of(self.overrides)))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls it when the run ends."""
        self._kept.close()
