"""Passes events to Kafka and waits until they are acknowledged, with a limit on what waits."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.kafka.confirmed_sender import Done

MAX_WAITING_BYTES = 64 * 1024 * 1024
BYTES_PER_RECORD = 2_048
"""What a record costs besides its value, roughly."""
CONFIRM_TIMEOUT_S = 15.0
"""Within this Kafka has answered, or the sender is told that it is unknown whether its events are stored."""


class Overloaded(Exception):
    """More waits for Kafka than fits; nothing was sent."""


class Sender(Protocol):
    """Where events go."""

    def send(self, values: Sequence[bytes], done: Done, /) -> None:
        """Send the values; `done` is called by any thread with None, or with why one may be lost."""


class Intake:
    """Stores the events of many requests. Belongs to one event loop."""

    def __init__(
        self, sender: Sender, *, max_bytes: int = MAX_WAITING_BYTES, timeout_s: float = CONFIRM_TIMEOUT_S
    ) -> None:
        self._sender = sender
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._waiting_bytes = 0
        self._settled: deque[tuple[asyncio.Future[None], int, StoreUnavailable | None]] = deque()
        self._is_woken = False

    @property
    def is_full(self) -> bool:
        return self._waiting_bytes >= self._max_bytes

    async def store(self, values: Sequence[bytes]) -> None:
        """Return when Kafka has acknowledged the values.

        Overloaded if nothing was sent; StoreUnavailable if it is unknown whether they are stored. What Kafka hasn't
        answered yet counts as waiting, also after the time-out.
        """
        if self.is_full:
            raise Overloaded
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        size = sum(map(len, values)) + len(values) * BYTES_PER_RECORD

        def done(error: StoreUnavailable | None) -> None:
            self._settled.append((settled, size, error))
            # one wake-up settles all that Kafka acknowledges at once; at the end nobody waits any more
            if not self._is_woken and not loop.is_closed():
                self._is_woken = True
                loop.call_soon_threadsafe(self._settle)

        self._waiting_bytes += size
        try:
            self._sender.send(values, done)
        except BaseException:
            self._waiting_bytes -= size
            raise
        try:
            async with asyncio.timeout(self._timeout_s):
                await settled
        except TimeoutError:
            raise StoreUnavailable(f"Kafka hasn't answered for {self._timeout_s:g} s") from None

    def _settle(self) -> None:
        self._is_woken = False
        while self._settled:
            settled, size, error = self._settled.popleft()
            self._waiting_bytes -= size
            if settled.done():  # its request was given up
                continue
            if error is None:
                settled.set_result(None)
            else:
                settled.set_exception(error)
