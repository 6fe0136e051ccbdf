"""Events as a tracker sends them, with defaults for every field."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import orjson

GREGORIAN_OFFSET_100NS = 0x01B21DD213814000
"""100 ns steps from the epoch of version-1 UUIDs to the Unix epoch (RFC 9562, section 5.1)."""


def uuid1_at(time: datetime, *, seed: int = 0) -> UUID:
    """A version-1 UUID of this time; time and seed determine it."""
    steps = round(time.timestamp() * 10_000_000) + GREGORIAN_OFFSET_100NS
    rng = random.Random(f"{steps}/{seed}")
    fields = (steps & 0xFFFFFFFF, (steps >> 32) & 0xFFFF, ((steps >> 48) & 0x0FFF) | 0x1000)
    return UUID(fields=(*fields, rng.randrange(64) | 0x80, rng.randrange(256), rng.randrange(2**48)))


def an_event(
    at: datetime = datetime(2026, 1, 5, 7, 30, tzinfo=UTC), *, seed: int = 0, **fields: object
) -> dict[str, object]:
    """A click on job 1 at the given time. `fields` replace or add fields; `...` removes one."""
    event: dict[str, object] = {
        "create_time": str(uuid1_at(at, seed=seed)),
        "ts": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        "custom_track": "click",
        "job_id": 1,
        "publisher_id": 2,
        "campaign_id": 3,
        "group_id": 4,
        "bid": 10,
    }
    return {name: value for name, value in (event | fields).items() if value is not ...}


def as_bytes(event: Mapping[str, object]) -> bytes:
    return orjson.dumps(event)
