"""Load the settings, and write them back to the environment."""

import os
from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.secret_files import SUFFIX
from recruit_assets.runtime.settings.model import Settings
from recruit_assets.runtime.settings.sources import STORE_ADDRESSES, read_endpoints, variable

RETIRED = {
    "alert_webhook": "https://hooks.slack.com/... as it is, or json://HOST/PATH?:message=text (jsons:// for https)",
    "alert_smtp_host": "mailtos://USER:PASSWORD@HOST:587?from=SENDER&to=RECIPIENT, or mailto://HOST without a login",
}
"""Settings of earlier versions, each with the value of RECRUIT_ALERT_URLS that does the same."""


def load_settings(**overrides: object) -> Settings:
    """Settings from overrides, environment and local engines; UserError names each invalid variable."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks what the type checker can't
    except ValidationError as error:
        raise UserError(f"Invalid setting: {'; '.join(_problem(each) for each in error.errors())}") from None
    if not settings.alert_urls.get_secret_value():
        _refuse_retired(os.environ)
    return settings


def _refuse_retired(environment: Mapping[str, str]) -> None:
    """An installation must not lose its alerts in silence. The value isn't shown: it may be a secret."""
    for name, equivalent in RETIRED.items():
        if environment.get(variable(name)):
            raise UserError(
                f"{variable(name)} is not used any more. Set {variable('alert_urls')} instead, to {equivalent}, and "
                f"remove {variable(name)}; docs/operators.md has more"
            )


def _problem(error: ErrorDetails) -> str:
    """What is wrong with which variable. Without `loc` it is a rule about several, which its message names."""
    return f"{variable(str(error['loc'][0]))}: {error['msg']}" if error["loc"] else error["msg"]


def uses_other_engines(settings: Settings) -> bool:
    """True if the environment sets all addresses and no local engine is running."""
    are_set = all(getattr(settings, address) for address, *_ in STORE_ADDRESSES)
    return are_set and not read_endpoints(settings.state_dir)


def as_environment(settings: Settings) -> Mapping[str, str]:
    """Every setting as an environment variable, secrets included."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        match value:
            case SecretStr():
                values[variable(name)] = value.get_secret_value()
            case datetime():
                values[variable(name)] = value.isoformat()
            case _:
                values[variable(name)] = str(value)
    return values


def export(settings: Settings) -> None:
    """Write all settings to this process's environment, for Dagster's EnvVar and for child processes."""
    values = as_environment(settings)
    for name in values:
        os.environ.pop(name + SUFFIX, None)  # a secret may be given once
    os.environ.update(values)
