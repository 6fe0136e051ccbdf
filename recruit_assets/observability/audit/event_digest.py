"""A digest of an event's content: equal for its Kafka record and its row in Cassandra if nothing was changed."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2b

import orjson

from recruit_assets.contract.events import EVENT_COLUMNS

DIGEST_BYTES = 16
_NAMES = [column.name for column in EVENT_COLUMNS[1:]]


class EventDigest:
    """Digests of events, without the fields that RECRUIT_PRIVACY may have changed."""

    def __init__(self, without: AbstractSet[str] = frozenset()) -> None:
        self._kept = [position for position, name in enumerate(_NAMES) if name not in without] if without else None

    def of(self, values: Sequence[str | int | None], extra: str | None) -> bytes:
        """Of the event's columns without create_time, and of its unknown fields in any order."""
        if self._kept is not None:
            values, extra = [values[position] for position in self._kept], None
        digest = blake2b(orjson.dumps(values), digest_size=DIGEST_BYTES)
        if extra is not None:
            digest.update(orjson.dumps(orjson.loads(extra), option=orjson.OPT_SORT_KEYS))
        return digest.digest()
