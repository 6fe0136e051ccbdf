"""Settings of what the report and the tables beside it count, and in which time zone."""

from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field, field_validator

from recruit_assets.contract.attribution import MOST_DAYS, Attribution, attribution, rules_of
from recruit_assets.contract.click_quality import DEFAULT_WINDOW_S, LONGEST_WINDOW_S, ClickRules
from recruit_assets.contract.funnel import require_funnel_actions
from recruit_assets.contract.internal_hosts import DEFAULT_HOSTS, host_pattern
from recruit_assets.contract.url_patterns import portable
from recruit_assets.runtime.settings.value_types import checked_words, words


class ReportSettings(BaseModel):
    """Attribution, funnel, click quality and time zones."""

    attribution: Annotated[str, checked_words(rules_of)] = Field(
        "job_id",
        description="Where a countable event names its job, the first place that does counts: `job_id`, `ed.<key>` "
        "such as `ed.jobId`, `dl`; comma separated, see docs/analysts.md",
    )
    attribution_dl: str = Field(
        "", description="For `dl`: regular expression of landing URLs, whose group `(?<job_id>...)` is the job"
    )
    funnel_actions: Annotated[str, checked_words(require_funnel_actions)] = Field(
        "",
        description="Further actions (values of `custom_track`) that are counted in `funnel_actions`, such as "
        "`interview_scheduled,hired`; comma separated, in the order of the funnel",
    )
    click_quality: Literal["off", "on"] = Field(
        "off", description="`on`: the table `click_quality` says which traffic is valid, see docs/analysts.md"
    )
    click_window_s: int = Field(
        DEFAULT_WINDOW_S,
        ge=0,
        le=LONGEST_WINDOW_S,
        description="Whoever comes back to the same job within so many seconds is a duplicate; 0: nobody is",
    )
    internal_hosts: Annotated[str, checked_words(host_pattern)] = Field(
        ",".join(DEFAULT_HOSTS),
        description="Hosts in landing URLs of the site's own people: names, suffixes such as `*.example.com`, "
        "addresses and networks; comma separated",
    )
    attribution_days: int = Field(
        0,
        ge=0,
        le=MOST_DAYS,
        description="In `attributed_conversions`, the advertisement that a person last clicked on gets the credit for "
        "an application within so many days; usually 7; 0: the table isn't made",
    )
    timezone: str = Field("UTC", description="Time zone of the 6 AM schedule")
    report_timezone: str = Field("UTC", description="Time zone whose days the daily tables have, see docs/analysts.md")

    @field_validator("attribution_dl")
    @classmethod
    def _portable_pattern(cls, value: str) -> str:
        if value:
            portable(value)
        return value

    @field_validator("timezone", "report_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in _timezones():
            raise ValueError("isn't an IANA time zone name such as Europe/Berlin")
        return value

    @property
    def job_rules(self) -> Attribution:
        """How the job of a countable event is found."""
        return attribution(words(self.attribution), self.attribution_dl)

    @property
    def funnel_action_list(self) -> list[str]:
        return words(self.funnel_actions)

    @property
    def has_click_quality(self) -> bool:
        return self.click_quality == "on"

    @property
    def click_rules(self) -> ClickRules:
        """The rules by which a click is valid."""
        return ClickRules(self.click_window_s, host_pattern(words(self.internal_hosts)), self.report_timezone)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def report_zone(self) -> ZoneInfo:
        return ZoneInfo(self.report_timezone)


@cache
def _timezones() -> set[str]:
    """All names; finding them searches a folder of a thousand files, and each tick of a sensor loads the settings."""
    return available_timezones()
