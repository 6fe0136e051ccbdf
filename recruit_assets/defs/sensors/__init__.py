"""The sensors: `cdc`, `downstream` and `days` request runs, `alerts` and `budgets` send alerts."""

from recruit_assets.defs.downstream import DOWNSTREAM
from recruit_assets.defs.sensors.alerts import check_failure_alert, run_failure_alert, standstill_alert
from recruit_assets.defs.sensors.budgets import budget_alert
from recruit_assets.defs.sensors.cdc import cassandra_cdc_sensor
from recruit_assets.defs.sensors.days import daily_metrics_automation
from recruit_assets.defs.sensors.downstream import downstream_sensor

SENSORS = (
    cassandra_cdc_sensor,
    daily_metrics_automation,
    *((downstream_sensor,) if DOWNSTREAM else ()),
    run_failure_alert,
    check_failure_alert,
    standstill_alert,
    budget_alert,
)

__all__ = ["SENSORS", "cassandra_cdc_sensor"]
