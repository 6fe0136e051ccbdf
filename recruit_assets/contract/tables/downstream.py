"""Optional tables, each switched on by a setting. An hour is made from its raw events once the report has it."""

from recruit_assets.contract.click_quality import VERDICTS
from recruit_assets.contract.measures import CLICKS, COUNTS
from recruit_assets.contract.tables.columns import GRAIN, GRAIN_COLUMNS, LATEST_UPDATE
from recruit_assets.contract.tables.metrics import CONVERSION_CLICKS
from recruit_assets.contract.tables.report import JOB
from recruit_assets.contract.types import THE_HOUR, Column, DownstreamTable, Type, downstream_coverage, sql_applied

FUNNEL_ACTIONS = DownstreamTable(
    name="funnel_actions",
    description="How often actions of RECRUIT_FUNNEL_ACTIONS happened per hour, job, publisher, campaign and group.",
    columns=(
        THE_HOUR,
        *GRAIN_COLUMNS,
        Column("action", Type.VARCHAR, "The action, as `custom_track` of the events has it", nullable=False),
        Column("events", Type.INT, "Number of events", nullable=False),
        LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "action"),
    coverage=downstream_coverage("funnel_actions"),
    events_in=("events",),
    totals=(("events", "events"),),
    updated_at=LATEST_UPDATE.name,
)

CLICK_QUALITY = DownstreamTable(
    name="click_quality",
    description="Valid clicks, and invalid ones by the reason, per hour, job, publisher, campaign and group. "
    "Together they are the clicks of the report.",
    columns=(
        THE_HOUR,
        *GRAIN_COLUMNS,
        Column("verdict", Type.VARCHAR_32, f"One of {', '.join(one.name for one in VERDICTS)}", nullable=False),
        Column("clicks", Type.INT, "Number of clicks with this verdict", nullable=False),
        Column("spend", Type.DOUBLE, "Sum of the bids of these clicks", nullable=False),
        LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "verdict"),
    coverage=downstream_coverage("click_quality"),
    events_in=("clicks",),
    totals=(("clicks", "clicks"), ("spend", "spend")),
    updated_at=LATEST_UPDATE.name,
)

CLICK_END_DATES = sql_applied(
    "click_end_dates",
    "The jobs' last days that click_quality was made with, or is about to be; follows the job dimension.",
    JOB,
    "end_date",
)

_CREDITED = tuple(count for count in COUNTS if count is not CLICKS)

ATTRIBUTED_CONVERSIONS = DownstreamTable(
    name="attributed_conversions",
    description="Applications of each hour by the publisher, campaign and group of the click that led to them.",
    columns=(
        THE_HOUR,
        *GRAIN_COLUMNS,
        Column(
            "attributed",
            Type.INT,
            "1: publisher, campaign and group are those of the same person's last click on the job; 0: no click was "
            "found, they are the event's own",
            nullable=False,
        ),
        *(count.view_column for count in _CREDITED),
        LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "attributed"),
    coverage=downstream_coverage("attributed_conversions"),
    made_from=CONVERSION_CLICKS,
    events_in=tuple(count.name for count in _CREDITED),
    totals=tuple((count.name, count.name) for count in _CREDITED),
    updated_at=LATEST_UPDATE.name,
)
