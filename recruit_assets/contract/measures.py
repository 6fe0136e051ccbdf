"""What the report counts."""

from dataclasses import dataclass
from enum import StrEnum

from recruit_assets.contract.types import Column, Type


class Action(StrEnum):
    """What a user did, as counted; each is one column of the hourly metrics."""

    CLICK = "click"
    CONVERSION = "conversion"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"


ACTION_SPELLINGS = {action.value: action for action in Action} | {"clicks": Action.CLICK}
"""Values of `custom_track` that count. Every other value, null included, has no analytical meaning."""


@dataclass(frozen=True, slots=True)
class Measure:
    """An additive number of the fact view; `source` is the report's column."""

    name: str
    source: str
    type: Type
    description: str

    @property
    def column(self) -> Column:
        return Column(self.name, self.type, self.description, nullable=False)


@dataclass(frozen=True, slots=True)
class Kpi:
    """A ratio of two sums; null where the lower one is 0. Not additive: sum the measures, then divide."""

    name: str
    title: str
    numerator: str
    denominator: str
    description: str

    @property
    def column(self) -> Column:
        return Column(self.name, Type.DOUBLE, self.description)


MEASURES = (
    Measure("clicks", "clicks", Type.INT, "Clicks on advertisements"),
    Measure("applications", "conversion", Type.INT, "Applications sent (conversions)"),
    Measure("qualified_applications", "qualified_application", Type.INT, "Applications found qualified"),
    Measure("disqualified_applications", "disqualified_application", Type.INT, "Applications found not qualified"),
    Measure("spend", "spend_hour", Type.DOUBLE, "Sum of the bids of the clicks"),
)

KPIS = (
    Kpi("cpc", "CPC", "spend", "clicks", "Cost per click"),
    Kpi("cpa", "CPA", "spend", "applications", "Cost per application"),
    Kpi(
        "cost_per_qualified_application", "Cost per qualified application", "spend", "qualified_applications",
        "Spend per application found qualified",
    ),
    Kpi("apply_rate", "Apply rate", "applications", "clicks", "Applications per click"),
    Kpi(
        "qualified_rate", "Qualified rate", "qualified_applications", "applications",
        "Applications found qualified per application",
    ),
)  # fmt: skip
