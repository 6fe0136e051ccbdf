"""The create_time of rows that have none: a version-1 UUID made from the row itself, so that a row which is sent again
is the same event.
"""

from dataclasses import dataclass
from hashlib import sha256

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.importer.rows import Row
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.transforms.validate import time_ms

TICKS_PER_MS = 10_000
"""A UUID's time is in steps of 100 ns, and begins in 1582."""
UUID_EPOCH_TICKS = 0x01B21DD213814000
RFC_VARIANT = 0x8000
RANDOM_NODE = 1 << 40
"""The bit that no network card's address has."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What identifies a row without create_time: the value of a field, or the file's content and the row's number."""

    digest: str
    key: str = ""
    """The field that is unique over all files that are ever imported; empty: none is."""

    def create_time(self, row: Row) -> str:
        """The made UUID, whose time is the row's ts; RejectedEvent if the row lacks what it is made from."""
        ts = row.fields.get("ts")
        if ts is None:
            raise RejectedEvent(DeadLetterReason.MISSING, "create_time: absent, and so is ts, from which it is made")
        return _made(self._seed(row), time_ms(_text(ts)))

    def _seed(self, row: Row) -> str:
        if not self.key:
            return f"{self.digest} {row.number}"
        if self.key not in row.fields:
            raise RejectedEvent(
                DeadLetterReason.MISSING, f"{self.key}: absent, but --key says that it identifies a row"
            )
        return _text(row.fields[self.key])


def _made(seed: str, moment_ms: int) -> str:
    digest = sha256(seed.encode(errors="surrogatepass")).digest()
    ticks = moment_ms * TICKS_PER_MS + UUID_EPOCH_TICKS
    clock = int.from_bytes(digest[:2]) & 0x3FFF | RFC_VARIANT
    node = int.from_bytes(digest[2:8]) | RANDOM_NODE
    middle, high = ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000
    return f"{ticks & 0xFFFFFFFF:08x}-{middle:04x}-{high:04x}-{clock:04x}-{node:012x}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
