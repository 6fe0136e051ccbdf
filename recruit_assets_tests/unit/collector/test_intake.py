"""Events wait for Kafka within a limit, and each request learns what became of its own."""

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Thread

import pytest

from recruit_assets.collector.intake import BYTES_PER_RECORD, Intake, Overloaded
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.kafka.confirmed_sender import Done


class Held:
    """Keeps what is sent, and answers when a test says so, from another thread as Kafka's client does."""

    def __init__(self) -> None:
        self.calls: list[tuple[Sequence[bytes], Done]] = []

    def send(self, values: Sequence[bytes], done: Done) -> None:
        self.calls.append((values, done))

    def answer(self, error: StoreUnavailable | None = None) -> None:
        calls, self.calls = self.calls, []

        def answer_all() -> None:
            for _, done in calls:
                done(error)

        thread = Thread(target=answer_all)
        thread.start()
        thread.join()


async def started(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    return task


def test_a_request_is_answered_once_its_events_are_acknowledged() -> None:
    async def scenario() -> None:
        sender = Held()
        intake = Intake(sender)
        tasks = [await started(intake.store([b"a", b"b"])), await started(intake.store([b"c"]))]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        assert [values for values, _ in sender.calls] == [[b"a", b"b"], [b"c"]]
        sender.answer()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


def test_an_error_reaches_the_request() -> None:
    async def scenario() -> None:
        sender = Held()
        task = await started(Intake(sender).store([b"a"]))
        sender.answer(StoreUnavailable("lost"))
        with pytest.raises(StoreUnavailable, match="lost"):
            await task

    asyncio.run(scenario())


def test_what_waits_is_limited_and_a_time_out_does_not_make_room() -> None:
    """An outage must not fill the memory."""

    async def scenario() -> None:
        sender = Held()
        intake = Intake(sender, max_bytes=2 * BYTES_PER_RECORD, timeout_s=0.01)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="hasn't answered"):
                await intake.store([b"a"])
        with pytest.raises(Overloaded):
            await intake.store([b"a"])
        assert (intake.is_full, len(sender.calls)) == (True, 2)

        sender.answer()
        await asyncio.sleep(0)
        assert not intake.is_full

    asyncio.run(scenario())


def test_if_nothing_can_be_sent_nothing_waits() -> None:
    class Broken:
        def send(self, values: Sequence[bytes], done: Done) -> None:
            raise StoreUnavailable("closed")

    async def scenario() -> None:
        intake = Intake(Broken(), max_bytes=1)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="closed"):
                await intake.store([b"a"])

    asyncio.run(scenario())
