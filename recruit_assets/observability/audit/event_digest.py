"""A digest of an event's content: equal for its Kafka record and its row in Cassandra if nothing was changed."""

from collections.abc import Sequence
from hashlib import blake2b

import orjson

DIGEST_BYTES = 16


def content_of(values: Sequence[str | int | None], extra: str | None) -> bytes:
    """Digest of the event's columns without create_time, and of its unknown fields in any order."""
    digest = blake2b(orjson.dumps(values), digest_size=DIGEST_BYTES)
    if extra is not None:
        digest.update(orjson.dumps(orjson.loads(extra), option=orjson.OPT_SORT_KEYS))
    return digest.digest()
