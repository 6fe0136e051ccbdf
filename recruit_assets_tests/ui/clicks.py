"""Clicks that reach the report by themselves."""

from datetime import UTC, datetime

from recruit_assets.hours.planning import HOUR
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.support.builders import an_event, as_bytes


def click(settings: Settings, at: datetime, seed: int) -> None:
    """A click on a job, as the ingest service stores it."""
    with open_producer(settings) as producer:
        producer.send(settings.kafka_topic, as_bytes(an_event(at, seed=seed)))
        producer.flush()
    drain(settings)


def reported_hours(settings: Settings) -> set[datetime]:
    """The hours that the report has an event of."""
    with open_report_database(settings) as database:
        rows = database.query("SELECT DISTINCT dates, hours FROM mysql_report")
    return {dates.replace(tzinfo=UTC) + hour * HOUR for dates, hour in rows}
