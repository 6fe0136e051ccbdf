"""All settings in one class, and the rules about several of them.

Only the first rule that is broken is reported, in the order of this file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, model_validator

from recruit_assets.contract.attribution import URL
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.places import is_loopback
from recruit_assets.runtime.settings.cassandra import CassandraSettings
from recruit_assets.runtime.settings.folders import FolderSettings
from recruit_assets.runtime.settings.kafka import KafkaSettings
from recruit_assets.runtime.settings.mysql import MySqlSettings
from recruit_assets.runtime.settings.operation import OperationSettings
from recruit_assets.runtime.settings.report import ReportSettings
from recruit_assets.runtime.settings.retention import RetentionSettings
from recruit_assets.runtime.settings.sources import ENDPOINTS_FILE, EnvironmentSettings, local_engines, variable
from recruit_assets.runtime.settings.spark import SparkSettings
from recruit_assets.runtime.settings.value_types import TLS_OFF, TLS_SYSTEM, words

MIN_KEY_CHARACTERS = 16


class Settings(
    # pydantic collects the fields of the last class first: `model_fields` begins with the folders
    OperationSettings,
    ReportSettings,
    RetentionSettings,
    SparkSettings,
    MySqlSettings,
    CassandraSettings,
    KafkaSettings,
    FolderSettings,
    EnvironmentSettings,
):
    """All settings. An address is empty if it isn't set and no local engine is running; see `require`."""

    @model_validator(mode="after")
    def _whole_logins(self) -> Self:
        """A login needs user and password, and TLS must be chosen or switched off explicitly."""
        if self.mysql_host and not self.mysql_tls_ca and not is_loopback(self.mysql_host):
            raise ValueError(_tls_is_missing("mysql_host", "mysql_tls_ca"))
        logins = (
            ("kafka", self.kafka_user, self.kafka_password, self.kafka_tls_ca),
            ("cassandra", self.cassandra_user, self.cassandra_password, self.cassandra_tls_ca),
        )
        for store, user, password, tls_ca in logins:
            if bool(user) != bool(password.get_secret_value()):
                given, missing = ("user", "password") if user else ("password", "user")
                raise ValueError(f"{variable(f'{store}_{given}')} is set but {variable(f'{store}_{missing}')} isn't")
            if user and not tls_ca:
                raise ValueError(_tls_is_missing(f"{store}_user", f"{store}_tls_ca"))
        return self

    @model_validator(mode="after")
    def _key_of_pseudonyms(self) -> Self:
        if self.privacy == "pseudonymise" and len(self.privacy_key.get_secret_value()) < MIN_KEY_CHARACTERS:
            raise ValueError(
                f"{variable('privacy')} is pseudonymise, so {variable('privacy_key')} needs {MIN_KEY_CHARACTERS} "
                "characters or more: with a shorter key, people could be guessed from their pseudonyms"
            )
        return self

    @model_validator(mode="after")
    def _usable_rules(self) -> Self:
        names = words(self.attribution)
        if URL in names and not self.attribution_dl:
            raise ValueError(f"{variable('attribution')} has {URL} but {variable('attribution_dl')} isn't set")
        if self.attribution_dl and URL not in names:
            raise ValueError(f"{variable('attribution_dl')} is set but {variable('attribution')} doesn't have {URL}")
        if self.privacy == "drop" and len(names) > 1:
            raise ValueError(
                f"{variable('privacy')} is drop, so ed and dl aren't stored: {variable('attribution')} must be job_id"
            )
        return self

    @model_validator(mode="after")
    def _stored_fields(self) -> Self:
        if self.privacy == "drop" and self.has_click_quality:
            raise ValueError(
                f"{variable('privacy')} is drop, so uid, ua and dl aren't stored, which verdicts need: "
                f"{variable('click_quality')} must be off"
            )
        return self

    @model_validator(mode="after")
    def _clicks_are_kept(self) -> Self:
        if 0 < self.retention_days < self.attribution_days:
            raise ValueError(
                f"{variable('attribution_days')} is {self.attribution_days} but events expire after "
                f"{variable('retention_days')}, {self.retention_days} days"
            )
        return self

    @model_validator(mode="after")
    def _possible_replicas(self) -> Self:
        if self.kafka_min_insync > self.kafka_replication:
            raise ValueError(
                f"{variable('kafka_min_insync')} is {self.kafka_min_insync} but {variable('kafka_replication')} only "
                f"{self.kafka_replication}: Kafka would reject every record"
            )
        if self.cassandra_datacenter not in self.cassandra_replicas:
            raise ValueError(
                f"{variable('cassandra_replication')} has no replica in {self.cassandra_datacenter}, the "
                f"{variable('cassandra_datacenter')}: every read and write needs a quorum there"
            )
        return self

    def require(self, *names: str) -> None:
        """UserError naming the first of these settings that is empty."""
        for name in names:
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise UserError(
                    f"{variable(name)} is not set and no local engine is running ({self.state_dir / ENDPOINTS_FILE}): "
                    "set it, or run `recruit-assets engines start`"
                )

    @classmethod
    def fallbacks(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The addresses and logins of running local engines."""
        return local_engines(Path(given.get("state_dir") or ".recruit"), given)


def _tls_is_missing(given: str, missing: str) -> str:
    return (
        f"{variable(given)} is set but {variable(missing)} isn't: set it to a PEM file with the CA, to `{TLS_SYSTEM}`, "
        f"or to `{TLS_OFF}` if the network is protected otherwise"
    )
