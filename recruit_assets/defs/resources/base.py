"""What the store resources share: fields that are settings, and the way back from fields to settings."""

from collections.abc import Mapping
from typing import ClassVar, Self

import dagster as dg

from recruit_assets.runtime.settings import Settings, load_settings


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """A store's settings as fields, named without the store's prefix.

    An empty field is read from RECRUIT_* or the local engines' file when a run starts. Passwords stay empty: the UI has
    none to show, and local engines need no variable. A project with its own variables passes
    `password=dg.EnvVar("...")`.
    """

    prefix: ClassVar[str]
    address: ClassVar[str]
    """The field without which nothing is known: no engine ran when the code location was loaded."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The settings without the passwords; empty where the store's address isn't known yet."""
        if not getattr(settings, cls.prefix + cls.address):
            return cls()
        return cls(**{name: getattr(settings, cls.prefix + name) for name in cls._names() if name != "password"})

    @property
    def overrides(self) -> dict[str, object]:
        """The fields that have a value, by setting."""
        return {self.prefix + name: value for name in self._names() if (value := getattr(self, name))}

    @property
    def settings(self) -> Settings:
        """The settings that a run works with."""
        return settings_of(self.overrides)

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in cls.model_fields if cls.prefix + name in Settings.model_fields]


def settings_of(*parts: Mapping[str, object]) -> Settings:
    """Settings in which the resources' overrides win over the environment."""
    return load_settings(**{name: value for part in parts for name, value in part.items()})
