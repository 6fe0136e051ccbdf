"""One click among a benchmark's events, on a job of its own. Not here: when it is sent, where it is looked for."""

from datetime import datetime
from uuid import uuid1

from recruit_assets.stores.kafka.event_publisher import EventPublisher
from recruit_assets_tests.support.builders import an_event, as_bytes


def send_click(publisher: EventPublisher, job_id: int, *, at: datetime) -> None:
    """Acknowledged by Kafka on return; no two clicks are the same event."""
    publisher.send([as_bytes(an_event(at, create_time=str(uuid1()), job_id=job_id, bid=1))])
    publisher.finish()
