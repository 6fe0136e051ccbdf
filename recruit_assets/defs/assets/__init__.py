"""The four assets, one file each, named after their table, and the two sources that they read."""

from recruit_assets.defs.assets.filtered_events import filtered_events
from recruit_assets.defs.assets.hourly_job_metrics import hourly_job_metrics
from recruit_assets.defs.assets.mysql_report import mysql_report
from recruit_assets.defs.assets.raw_events import raw_events
from recruit_assets.defs.assets.sources import job, kafka_topic

ASSETS = (raw_events, filtered_events, hourly_job_metrics, mysql_report)
SOURCES = (kafka_topic, job)

__all__ = ["ASSETS", "SOURCES", "filtered_events", "hourly_job_metrics", "mysql_report", "raw_events"]
