"""What the store resources share: fields that are settings, conversion between both, and the run's connections."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Self, TypeVar

import dagster as dg
from pydantic import PrivateAttr

from recruit_assets.defs.resources.run_scope import RunScope, run_scope
from recruit_assets.runtime.settings import Settings, load_settings

Connection = TypeVar("Connection")


class StoreResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """A store's settings as fields, named without the store's prefix.

    An empty field is read from RECRUIT_* or the local engines' file when a run starts. Passwords stay empty: the UI has
    none to show, and local engines need no variable. A project with its own variables passes
    `password=dg.EnvVar("...")`.
    """

    prefix: ClassVar[str]
    address: ClassVar[str]
    """The field that is empty if no store was configured or running when the code location was loaded."""
    _scope: RunScope = PrivateAttr(default_factory=RunScope)
    _definition: dg.ResourceDefinition | None = PrivateAttr(default=None)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The settings without the passwords; empty where the store's address isn't known yet."""
        if not getattr(settings, cls.prefix + cls.address):
            return cls()
        return cls(**{name: getattr(settings, cls.prefix + name) for name in cls._names() if name != "password"})

    @property
    def overrides(self) -> dict[str, object]:
        """The non-empty fields, by setting."""
        return {self.prefix + name: value for name in self._names() if (value := getattr(self, name))}

    @property
    def settings(self) -> Settings:
        """The environment's settings with the resource's fields."""
        return settings_of(self.overrides)

    def get_resource_definition(self) -> dg.ResourceDefinition:  # type: ignore[override]  # all that Dagster needs of it
        """The resource, closed to launch configuration; always the same object, which Dagster relies on."""
        if self._definition is None:
            self._definition = without_launch_config(super().get_resource_definition())
        return self._definition

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls this when a run starts in this process."""
        if context.run is not None:
            self._scope = run_scope(context.run.run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close what the run has opened; Dagster calls this when the run ends."""
        self._scope.close()

    def connection(self, open_it: Callable[[], AbstractContextManager[Connection]]) -> Connection:
        """The run's connection to this store, shared by all resources with the same fields."""
        return self._scope.connection((self.prefix, *self.overrides.items()), open_it)

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in cls.model_fields if cls.prefix + name in Settings.model_fields]


def without_launch_config(resource: dg.ResourceDefinition) -> dg.ResourceDefinition:
    """The resource with its own values, rejecting a launched run that configures it.

    Otherwise whoever may launch runs could point it at another server, and read any variable with `{"env": ...}`.
    """
    own = resource.config_schema.default_value if resource.config_schema.default_provided else {}
    return dg.configured(resource, config_schema={})(lambda _: own)


def settings_of(*parts: Mapping[str, object]) -> Settings:
    """Settings in which the resources' overrides win over the environment."""
    return load_settings(**{name: value for part in parts for name, value in part.items()})
