"""The sensors: one that follows the change feed (`cdc`), and those that send alerts (`alerts`)."""

from recruit_assets.defs.sensors.alerts import check_failure_alert, run_failure_alert, standstill_alert
from recruit_assets.defs.sensors.cdc import cassandra_cdc_sensor

SENSORS = (cassandra_cdc_sensor, run_failure_alert, check_failure_alert, standstill_alert)

__all__ = ["SENSORS", "cassandra_cdc_sensor"]
