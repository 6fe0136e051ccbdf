"""The tables of the project."""

from recruit_assets.contract.types import Column, HourlySqlTable, HourTable, Type, sql_coverage

HOUR = Column("event_hour", Type.TIMESTAMP, "The hour, UTC", nullable=False)
PAGE = Column("page", Type.TEXT, "Path of the page", nullable=False)
VIEW_COUNT = Column("view_count", Type.BIGINT, "Number of views", nullable=False)

VIEWS = HourTable(
    name="views",
    description="Page views, written by the site at any time.",
    columns=(HOUR, Column("viewer", Type.UUID, "Who looked", nullable=False), PAGE),
    partition_key=("event_hour",),
    clustering_key=("viewer", "page"),
    live=True,
)
VISITS = HourTable(
    name="visits",
    description="Views per page.",
    columns=(HOUR, PAGE, VIEW_COUNT),
    partition_key=("event_hour",),
    clustering_key=("page",),
    events_in=("view_count",),
)
VISIT_REPORT = HourlySqlTable(
    name="visit_report",
    description="Views per page, for analysts.",
    columns=(
        Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False),
        Column("page", Type.VARCHAR, "Path of the page", nullable=False),
        VIEW_COUNT,
    ),
    primary_key=("event_hour", "page"),
    coverage=sql_coverage("visit_report_hours", "How far the hours of visit_report are complete."),
    events_in=("view_count",),
    totals=(("views", "view_count"),),
)
