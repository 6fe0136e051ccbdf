"""Signals interrupt a command, stop its work, or wait until a block has ended."""

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from recruit_assets.runtime.signals import defer_signals, interrupt_on_signals, stop_on_signals


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_deferred_signal_waits_for_the_end_of_the_block(ending: signal.Signals) -> None:
    """Otherwise a process could be started without its record, and outlive the command."""
    done = []

    def start() -> None:
        with defer_signals():
            signal.raise_signal(ending)
            done.append("started and recorded")

    with interrupt_on_signals(), pytest.raises(KeyboardInterrupt):
        start()

    assert done == ["started and recorded"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_stop_event_and_interrupts_nothing(ending: signal.Signals) -> None:
    with stop_on_signals() as stop:
        signal.raise_signal(ending)

    assert stop.is_set()


@pytest.mark.parametrize("block", [defer_signals, interrupt_on_signals, stop_on_signals])
def test_the_previous_handlers_are_restored(block: Callable[[], AbstractContextManager[object]]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with block():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_another_thread_can_use_a_deferring_block() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with defer_signals():
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert failures == []
