"""What the report counts and adds up, each measure declared once.

Action spellings, columns, SQL, row counts, checks, audit, views, report page and metadata follow from these
declarations. The simulator's ledger doesn't use them, so that a mistake here shows up as a difference.
"""

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from recruit_assets.contract.types import Column, Type


@dataclass(frozen=True, slots=True)
class Measure:
    """A whole number per hour, job, publisher, campaign and group, which may be summed over anything."""

    name: str
    """Its column in the analysts' views."""
    _: KW_ONLY
    column: str
    """In the metrics tables of Cassandra."""
    report_column: str
    """In mysql_report."""
    title: str
    description: str

    type: ClassVar[Type]
    """In mysql_report and the fact view; the metrics tables have 64-bit integers."""

    @property
    def metrics_column(self) -> Column:
        return Column(self.column, Type.BIGINT, self.description, nullable=False)

    @property
    def mysql_report_column(self) -> Column:
        return Column(self.report_column, self.type, self.description, nullable=False)

    @property
    def view_column(self) -> Column:
        return Column(self.name, self.type, self.description, nullable=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Measure):
    """How many events have this action."""

    spellings: tuple[str, ...]
    """Values of `custom_track` that mean the action; the first one is its name in filtered_events."""

    type: ClassVar[Type] = Type.INT

    @property
    def action(self) -> str:
        return self.spellings[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Measure):
    """An integer field of the event, added up over the events of one action."""

    of: str
    where: Count

    type: ClassVar[Type] = Type.DOUBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A column of mysql_report: sum divided by count, to 2 decimals, half away from zero; 0 without a count.

    Means can't be summed, so the analysts' views have ratios of sums instead.
    """

    report_column: str
    sum: Sum
    count: Count
    description: str

    @property
    def mysql_report_column(self) -> Column:
        return Column(self.report_column, Type.DOUBLE, self.description, nullable=False)


@dataclass(frozen=True, slots=True)
class Kpi:
    """A ratio of two sums; null where the denominator is 0. It can't be added up: sum the measures, then divide."""

    name: str
    numerator: Measure
    denominator: Measure
    _: KW_ONLY
    title: str
    description: str

    @property
    def is_share(self) -> bool:
        """Whether it is a share of events, shown in percent, and not an amount per event."""
        return isinstance(self.numerator, Count)

    @property
    def view_column(self) -> Column:
        return Column(self.name, Type.DOUBLE, self.description)


CLICKS = Count(
    "clicks",
    column="clicks",
    report_column="clicks",
    spellings=("click", "clicks"),
    title="Clicks",
    description="Number of clicks",
)
APPLICATIONS = Count(
    "applications",
    column="conversion",
    report_column="conversion",
    spellings=("conversion",),
    title="Applications",
    description="Number of conversions",
)
QUALIFIED = Count(
    "qualified_applications",
    column="qualified",
    report_column="qualified_application",
    spellings=("qualified",),
    title="Qualified",
    description="Number of qualified applications",
)
DISQUALIFIED = Count(
    "disqualified_applications",
    column="unqualified",
    report_column="disqualified_application",
    spellings=("unqualified",),
    title="Disqualified",
    description="Number of unqualified applications",
)
SPEND = Sum(
    "spend",
    column="bid_sum",
    report_column="spend_hour",
    of="bid",
    where=CLICKS,
    title="Spend",
    description="Sum of the bids of the clicks",
)

MEASURES: tuple[Measure, ...] = (CLICKS, APPLICATIONS, QUALIFIED, DISQUALIFIED, SPEND)

MEANS = (
    Mean(
        report_column="bid_set",
        sum=SPEND,
        count=CLICKS,
        description="Mean bid of the clicks, 2 decimals, half away from zero",
    ),
)

KPIS = (
    Kpi("cpc", SPEND, CLICKS, title="Cost per click", description="Cost per click"),
    Kpi("cpa", SPEND, APPLICATIONS, title="Cost per application", description="Cost per application"),
    Kpi(
        "cost_per_qualified_application",
        SPEND,
        QUALIFIED,
        title="Cost per qualified",
        description="Spend per application found qualified",
    ),
    Kpi("apply_rate", APPLICATIONS, CLICKS, title="Apply rate", description="Applications per click"),
    Kpi(
        "qualified_rate",
        QUALIFIED,
        APPLICATIONS,
        title="Qualified rate",
        description="Applications found qualified per application",
    ),
)


COUNTS = tuple(measure for measure in MEASURES if isinstance(measure, Count))
SUMS = tuple(measure for measure in MEASURES if isinstance(measure, Sum))
ACTION_SPELLINGS = {spelling: count.action for count in COUNTS for spelling in count.spellings}
"""The action by value of `custom_track`. Every other value, null included, isn't counted."""
SUMMED_FIELDS = tuple(dict.fromkeys(measure.of for measure in SUMS))
"""The fields of the event that are added up; null counts as 0."""
REPORT_EVENTS = " + ".join(count.report_column for count in COUNTS)
"""SQL: how many events a row of mysql_report stands for."""
