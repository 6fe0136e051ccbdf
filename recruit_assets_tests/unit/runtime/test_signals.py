"""Signals interrupt a command, stop its work, or wait until a block has ended."""

import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from recruit_assets.runtime.signals import ENDING, defer_signals, interrupt_on_signals, notice_signals, stop_on_signals


@pytest.mark.parametrize("ending", ENDING)
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


@pytest.mark.parametrize("ending", ENDING)
def test_a_signal_sets_the_stop_event_and_interrupts_nothing(ending: signal.Signals) -> None:
    with stop_on_signals() as stop:
        signal.raise_signal(ending)

    assert stop.is_set()


@pytest.mark.parametrize("block", [defer_signals, interrupt_on_signals, notice_signals, stop_on_signals])
def test_the_previous_handlers_are_restored(block: Callable[[], AbstractContextManager[object]]) -> None:
    before = [signal.getsignal(number) for number in ENDING]

    with block():
        pass

    assert [signal.getsignal(number) for number in ENDING] == before


@pytest.mark.parametrize("ending", ENDING)
def test_a_signal_is_noticed_though_another_handler_takes_it(ending: signal.Signals) -> None:
    """Dagster forgets a signal that arrives at the end of a run, and leaves SIGTERM with the handler of SIGINT."""
    taken: list[int] = []
    before = signal.getsignal(ending)

    with notice_signals() as has_arrived:
        signal.signal(ending, lambda number, _: taken.append(number))
        arrived_before = has_arrived()
        signal.raise_signal(ending)
        arrived = (has_arrived(), has_arrived())

    assert (arrived_before, arrived, taken) == (False, (True, True), [ending])
    assert signal.getsignal(ending) == before


def test_a_signal_of_another_kind_is_no_signal_to_end() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with notice_signals() as has_arrived:
            signal.raise_signal(signal.SIGUSR1)
            assert not has_arrived()
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("block", [defer_signals, interrupt_on_signals, stop_on_signals])
def test_a_signal_that_the_process_was_started_to_ignore_stays_ignored(
    block: Callable[[], AbstractContextManager[object]],
) -> None:
    """`nohup recruit-assets up` must outlive its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with block():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("block", [defer_signals, notice_signals])
def test_another_thread_can_use_a_block_that_only_looks(block: Callable[[], AbstractContextManager[object]]) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with block():
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert failures == []
