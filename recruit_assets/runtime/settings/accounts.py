"""The passwords of the report database's users."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from recruit_assets.runtime.settings.sources import PREFIX, secret_files


class AccountPasswords(BaseSettings):
    """RECRUIT_ACCOUNT_<ROLE>: the passwords that `accounts apply` sets for the users of the report database."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX + "ACCOUNT_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    owner: SecretStr = SecretStr("")
    ingest: SecretStr = SecretStr("")
    lineage: SecretStr = SecretStr("")
    analyst: SecretStr = SecretStr("")
    dagster: SecretStr = SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As for the settings."""
        return init_settings, env_settings, secret_files(settings_cls)
