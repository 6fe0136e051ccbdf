"""The report database as a Dagster resource."""

from typing import ClassVar

from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database


class MySqlResource(StoreResource):
    """Host, login and database of the report."""

    prefix: ClassVar[str] = "mysql_"
    address: ClassVar[str] = "host"

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    database: str = ""
    tls_ca: str = ""

    def report_database(self) -> ReportDatabase:
        """The run's connection, opened at its first use and shared by the whole run."""
        return self.connection(lambda: open_report_database(self.settings))
