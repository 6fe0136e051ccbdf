"""The settings, where they come from, and whether they fit together."""

import os
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from recruit_assets.observability.alerts import SETTING, channel_names, check_channels
from recruit_assets.observability.doctor.decisions import settings as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, counted, ok, skipped
from recruit_assets.runtime.settings import Settings, read_endpoints


@dataclass(frozen=True, slots=True)
class Given:
    """The settings, the names of the environment's variables, and the addresses of running local engines."""

    settings: Settings
    variables: Collection[str]
    local: Mapping[str, object]


def given_settings(settings: Settings) -> Subject[Given]:
    def read() -> Given:
        return Given(settings, set(os.environ), read_endpoints(settings.state_dir))

    return Subject("settings", lambda: nullcontext(read()), CHECKS, independent=True)


def _alerts(given: Given) -> Verdict:
    check_channels(given.settings)
    if channels := channel_names(given.settings):
        return ok(counted(len(channels), "channel"))
    return skipped(f"{SETTING} isn't set: nobody is told of troubles")


CHECKS: tuple[Check[Given], ...] = (
    Check("values", lambda _: ok("every value is valid")),
    Check("names", lambda given: decisions.names(given.variables)),
    Check("addresses", lambda given: decisions.addresses(given.settings, given.local)),
    Check("logins", lambda given: decisions.logins(given.settings)),
    Check("one Spark", lambda given: decisions.spark(given.settings)),
    Check("privacy key", lambda given: decisions.privacy_key(given.settings)),
    Check("alerts", _alerts),
)
