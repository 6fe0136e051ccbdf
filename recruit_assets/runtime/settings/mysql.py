"""Settings of MySQL or MariaDB."""

from pydantic import BaseModel, Field, SecretStr

from recruit_assets.runtime.places import Host
from recruit_assets.runtime.settings.value_types import Identifier, Port, TlsCa


class MySqlSettings(BaseModel):
    """Server, report database, and the logins of the platform and of analysts."""

    mysql_host: Host = Field("", description="MySQL or MariaDB host")
    mysql_port: Port = Field(3306, description="MySQL or MariaDB port")
    mysql_user: str = Field("", description="MySQL user")
    mysql_password: SecretStr = Field(SecretStr(""), description="MySQL password")
    mysql_database: Identifier = Field("recruit", description="Database of the report")
    analyst_user: Identifier = Field("recruit_analyst", description="Read-only login of dashboards and analysts")
    analyst_password: SecretStr = Field(
        SecretStr(""), description="Password of the analyst user; if set, schema apply creates the user"
    )
    mysql_tls_ca: TlsCa = Field(
        "",
        description="PEM file with the CA of the server's certificate, or `system`; `off`: no TLS; may be empty for a "
        "server on this machine: unverified TLS if offered",
    )
