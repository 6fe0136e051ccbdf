"""How a resource's fields become settings again: what all store resources share.

A resource whose address was unknown when the code location loaded (no engine ran yet) takes all from the environment
and the local engines' file at the start of the run.
"""

from collections.abc import Mapping

from recruit_assets.settings import Settings, load_settings


def resolved(prefix: str, address: str, fields: Mapping[str, object]) -> dict[str, object]:
    """The fields as settings with this prefix; nothing where the address is unknown."""
    return {prefix + name: value for name, value in fields.items()} if address else {}


def settings_of(*parts: Mapping[str, object]) -> Settings:
    """Settings in which what the resources say wins over the environment."""
    overrides: dict[str, object] = {}
    for part in parts:
        overrides |= part
    return load_settings(**overrides)
