"""How a resource's fields become settings again: what all store resources share.

A resource whose address was unknown when the code location loaded (no engine ran yet) takes all from the environment
and the local engines' file at the start of the run.
"""

from collections.abc import Mapping

import dagster as dg

from recruit_assets.runtime.settings import Settings, load_settings, variable


def resolved(prefix: str, address: str, fields: Mapping[str, object]) -> dict[str, object]:
    """The fields as settings with this prefix; nothing where the address is unknown."""
    return {prefix + name: value for name, value in fields.items()} if address else {}


def named_password(settings: Settings, store: str) -> str:
    """The variable that holds the password, which the UI shows in its place; nothing where no user logs in.

    Dagster refuses a run whose variable isn't set.
    """
    user, password = f"{store}_user", variable(f"{store}_password")
    return dg.EnvVar(password) if getattr(settings, user) else ""


def settings_of(*parts: Mapping[str, object]) -> Settings:
    """Settings in which what the resources say wins over the environment."""
    overrides: dict[str, object] = {}
    for part in parts:
        overrides |= part
    return load_settings(**overrides)
