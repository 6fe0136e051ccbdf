"""Asks Dagster's declarative automation which days are to be made anew; the conditions are at the assets."""

import dagster as dg

from recruit_assets.contract.tables import DAILY_COMPANY_METRICS, DAILY_JOB_METRICS

EVERY_S = 600
"""The current day is made anew this often at most, however often its hours are: a run takes some seconds."""
DAYS_TAG = "recruit/days"
"""On runs of days; dagster.yaml lets one of them run at a time."""

daily_metrics_automation = dg.AutomationConditionSensorDefinition(
    "daily_metrics_automation",
    target=dg.AssetSelection.assets(DAILY_JOB_METRICS.name, DAILY_COMPANY_METRICS.name),
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    run_tags={DAYS_TAG: "yes"},
    description="Requests the days whose hours were replaced, by the assets' automation conditions.",
)
