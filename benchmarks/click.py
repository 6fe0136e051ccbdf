"""Sends a single click on a job that no other event of a benchmark has."""

from datetime import datetime
from uuid import uuid1

from recruit_assets.stores.kafka.event_publisher import EventPublisher
from recruit_assets_tests.support.builders import an_event, as_bytes


def send_click(publisher: EventPublisher, job_id: int, *, at: datetime) -> None:
    """Send a new click and wait until Kafka has acknowledged it."""
    publisher.send([as_bytes(an_event(at, create_time=str(uuid1()), job_id=job_id, bid=1))])
    publisher.finish()
