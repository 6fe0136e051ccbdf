"""The sensors: those that request hours (`cdc`) and days (`days`), and those that send alerts (`alerts`)."""

from recruit_assets.defs.sensors.alerts import check_failure_alert, run_failure_alert, standstill_alert
from recruit_assets.defs.sensors.cdc import cassandra_cdc_sensor
from recruit_assets.defs.sensors.days import daily_metrics_automation

SENSORS = (cassandra_cdc_sensor, daily_metrics_automation, run_failure_alert, check_failure_alert, standstill_alert)

__all__ = ["SENSORS", "cassandra_cdc_sensor"]
