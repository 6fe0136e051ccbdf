"""The parts of a Kafka record that we use, and how its place is written."""

from typing import Protocol


class Record(Protocol):
    """A record of the event topic or the dead letter topic."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, by the broker."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]: ...


class TimedRecord(Record, Protocol):
    """A record that tells whose clock its timestamp comes from."""

    @property
    def timestamp_type(self) -> int: ...


def place_of(record: Record) -> str:
    """topic/partition/offset."""
    return f"{record.topic}/{record.partition}/{record.offset}"
