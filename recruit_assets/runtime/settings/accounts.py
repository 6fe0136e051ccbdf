"""The passwords of the report database's users."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from recruit_assets.runtime.settings.sources import PREFIX, EnvironmentSettings


class AccountPasswords(EnvironmentSettings):
    """RECRUIT_ACCOUNT_<ROLE>: the passwords that `accounts apply` sets for the users of the report database."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "ACCOUNT_")

    owner: SecretStr = SecretStr("")
    ingest: SecretStr = SecretStr("")
    lineage: SecretStr = SecretStr("")
    analyst: SecretStr = SecretStr("")
    dagster: SecretStr = SecretStr("")
