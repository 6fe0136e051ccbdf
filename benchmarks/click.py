"""Sends clicks on jobs that no other event of a benchmark has."""

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid1

from recruit_assets.stores.kafka.event_publisher import EventPublisher
from recruit_assets_tests.support.builders import an_event, as_bytes


def send_click(publisher: EventPublisher, job_id: int, *, at: datetime) -> None:
    """Send a new click and wait until Kafka has acknowledged it."""
    send_clicks(publisher, {job_id: at})


def send_clicks(publisher: EventPublisher, times: Mapping[int, datetime]) -> None:
    """Send a new click for each job, at its time, and wait until Kafka has acknowledged them."""
    clicks = [an_event(at, create_time=str(uuid1()), job_id=job_id, bid=1) for job_id, at in times.items()]
    publisher.send([as_bytes(click) for click in clicks])
    publisher.finish()
