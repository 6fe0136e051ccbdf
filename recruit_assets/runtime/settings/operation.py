"""Settings of Dagster's UI, its runs and the alerts."""

from pydantic import BaseModel, Field, SecretStr, field_validator

from recruit_assets.runtime.settings.value_types import HostNames, WebAddress, words


class OperationSettings(BaseModel):
    """UI, Grafana, runs and alerts."""

    ui_hosts: HostNames = Field(
        "", description="Names, besides the loopback's, under which Dagster's UI is reached; comma separated"
    )
    ui_operator_password: SecretStr = Field(
        SecretStr(""),
        description="Password of the UI's login `operator`, who may change; without any password there is no login",
    )
    ui_viewer_password: SecretStr = Field(
        SecretStr(""), description="Password of the UI's login `viewer`, who may read"
    )
    grafana_url: WebAddress = Field(
        "", description="Address of Grafana, such as https://grafana.example.com; the UI links to its dashboards"
    )
    run_retention_days: int = Field(30, ge=1, description="Days after which finished Dagster runs are deleted")
    alert_urls: SecretStr = Field(
        SecretStr(""), description="Where alerts go: Apprise URLs, separated by spaces or commas; empty: nowhere"
    )

    @field_validator("alert_urls")
    @classmethod
    def _urls(cls, value: SecretStr) -> SecretStr:
        """Checks only their form: asking the library whether a service can use them takes seconds."""
        if any(url.strip(",;") and "://" not in url for url in value.get_secret_value().split()):
            raise ValueError("must be URLs such as slack://... or mailtos://..., see docs/operators.md")
        return value

    @property
    def ui_host_names(self) -> list[str]:
        return words(self.ui_hosts)
