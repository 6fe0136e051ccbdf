"""Where values come from: environment variables, secret files, and the addresses of running local engines."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from recruit_assets.runtime.files import read_object
from recruit_assets.runtime.places import folder
from recruit_assets.runtime.secret_files import secrets_in_files

PREFIX = "RECRUIT_"
ENDPOINTS_FILE = "endpoints.json"
"""In the state directory: addresses and logins of the local engines by setting name, written by `engines start`.

`state_dir` in it is the directory that they run in: the file in a copy of that directory isn't of its own engines.
"""
STORE_ADDRESSES = (("kafka_bootstrap",), ("cassandra_hosts", "cassandra_port"), ("mysql_host", "mysql_port"))
"""The settings that say where each store is. The first of a store is empty while that is unknown."""


class EnvironmentSettings(BaseSettings):
    """Settings from arguments, environment variables and secret files, in this order. Errors don't show values."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @classmethod
    def fallbacks(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Values for settings that none of the sources has; `given` are those of arguments and environment."""
        return {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the first that has a value is taken; pydantic-settings calls this."""
        fallbacks = InitSettingsSource(settings_cls, cls.fallbacks(env_settings() | init_settings()))
        return init_settings, env_settings, _secret_files(settings_cls), fallbacks


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _secret_files(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """The secrets whose variable, with _FILE, names a file."""
    prefix = settings_cls.model_config["env_prefix"]
    fields = settings_cls.model_fields.items()
    names = {prefix + name.upper(): name for name, field in fields if field.annotation is SecretStr}
    found = secrets_in_files(names, os.environ)
    return InitSettingsSource(settings_cls, {names[variable]: secret for variable, secret in found.items()})


def local_engines(state_dir: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Addresses and logins of the local engines.

    Without those of a store that has another address in `given`: the login would go to another server.
    """
    try:
        found = read_endpoints(folder(state_dir))
    except ValueError:  # reported with the setting's name when it is validated
        return {}
    elsewhere = tuple(
        names[0].partition("_")[0] + "_"
        for names in STORE_ADDRESSES
        if any(name in found and str(given.get(name) or found[name]) != str(found[name]) for name in names)
    )
    return {name: value for name, value in found.items() if not name.startswith(elsewhere)}


def read_endpoints(state_dir: Path) -> dict[str, Any]:
    """Addresses and logins of the engines running in this directory, by setting name; none without such engines."""
    found = read_object(
        state_dir / ENDPOINTS_FILE, remedy="remove it, then run `recruit-assets engines start`, which writes it anew"
    )
    return found if found.pop("state_dir", str(state_dir)) == str(state_dir) else {}
