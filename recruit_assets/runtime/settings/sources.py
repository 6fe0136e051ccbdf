"""Where values come from: environment variables, secret files, and the addresses of running local engines."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

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


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def secret_files(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """The secrets whose variable, with _FILE, names a file."""
    prefix = settings_cls.model_config["env_prefix"]
    fields = settings_cls.model_fields.items()
    names = {prefix + name.upper(): name for name, field in fields if field.annotation is SecretStr}
    found = secrets_in_files(names, os.environ)
    return InitSettingsSource(settings_cls, {names[variable]: secret for variable, secret in found.items()})


def local_engines(state_dir: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Addresses and logins of the local engines, but not of a store with another address in `given`: the login would
    go to another server.
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
