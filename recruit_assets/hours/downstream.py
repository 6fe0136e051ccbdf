"""The downstream tables that the settings switch on, and what their rows depend on beside the events."""

from dataclasses import dataclass
from hashlib import sha256

from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, CLICK_QUALITY, FUNNEL_ACTIONS
from recruit_assets.contract.types import DownstreamTable
from recruit_assets.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Downstream:
    """A table that is made after the report has an hour."""

    table: DownstreamTable
    computed_by: str
    """A digest of the settings that decide the rows: hours with another one are made again."""
    hours_before: int = 0
    """So many earlier hours have events that the rows of an hour depend on."""
    looks_back: int = 0
    """In so many earlier hours a run looks for events. Those that come later re-open the hours that they change."""


def downstream_of(settings: Settings) -> tuple[Downstream, ...]:
    """The downstream tables that are switched on."""
    found = []
    if settings.funnel_action_list:
        found.append(Downstream(FUNNEL_ACTIONS, digest(*sorted(settings.funnel_action_list), settings.job_rules)))
    if settings.has_click_quality:
        rules = settings.click_rules
        found.append(Downstream(CLICK_QUALITY, digest(rules, settings.job_rules), rules.hours_before))
    if settings.attribution_days:
        valid = settings.click_rules if settings.has_click_quality else ""
        decide = digest(settings.attribution_days, settings.job_rules, valid)
        found.append(Downstream(ATTRIBUTED_CONVERSIONS, decide, looks_back=settings.attribution_days * 24))
    return tuple(found)


def digest(*decide: object) -> str:
    """The same for settings that mean the same."""
    return sha256("\n".join(map(str, decide)).encode()).hexdigest()[:32]
