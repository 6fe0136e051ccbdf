"""Dead letters and replays in the form that they had before schema version 2, spelt out byte by byte."""

from recruit_assets.contract.dead_letters import Origin
from recruit_assets.stores.kafka.clients import Headers
from recruit_assets_tests.support.ingest import ARecord


def old_letter(record: ARecord, *, first: Origin | None = None, attempts: int = 1, reason: str = "not_json") -> ARecord:
    """The dead letter of a record, or of a replay of `first`, without the record's own headers."""
    place = f"{record.topic}/{record.partition}/{record.offset}"
    origin = first or Origin(record.topic, record.partition, record.offset, record.timestamp)
    headers = {
        "__connect.errors.topic": origin.topic,
        "__connect.errors.partition": str(origin.partition),
        "__connect.errors.offset": str(origin.offset),
        "__connect.errors.exception.class.name": "recruit_assets.runtime.errors.RejectedEvent",
        "__connect.errors.exception.message": f"{place}: the value isn't one JSON document",
        "recruit.errors.reason": reason,
        "recruit.errors.timestamp_ms": str(record.timestamp),
        "recruit.errors.attempts": str(attempts),
    }
    encoded: Headers = [(name, text.encode()) for name, text in headers.items()]
    return ARecord(record.value, key=record.key, headers=encoded, topic=f"{record.topic}.dlq")


def old_replay_headers(first: Origin, *, attempts: int) -> Headers:
    """What a replay added to the original's headers."""
    return [
        ("__connect.errors.topic", first.topic.encode()),
        ("__connect.errors.partition", str(first.partition).encode()),
        ("__connect.errors.offset", str(first.offset).encode()),
        ("recruit.errors.attempts", str(attempts).encode()),
    ]
