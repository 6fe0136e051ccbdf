"""The report database as a Dagster resource."""

from typing import ClassVar

import dagster as dg
from pydantic import PrivateAttr

from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.defs.resources.run_scope import Kept
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
    _kept: Kept[ReportDatabase] = PrivateAttr(default_factory=Kept)

    def report_database(self) -> ReportDatabase:
        """The run's connection, opened at its first use and shared by the whole run."""
        return self._kept.get(lambda: open_report_database(self.settings))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connection; Dagster calls this when the run ends."""
        self._kept.close()
