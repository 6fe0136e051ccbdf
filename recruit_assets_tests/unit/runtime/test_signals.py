"""What must be whole is done before a signal ends the command."""

import signal
import threading

import pytest

from recruit_assets.runtime.signals import ending_signals_interrupt, interrupts_deferred


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_for_the_end_of_the_block(ending: signal.Signals) -> None:
    """A process whose record isn't written yet would outlive the command."""
    done = []

    def start() -> None:
        with interrupts_deferred():
            signal.raise_signal(ending)
            done.append("started and recorded")

    with ending_signals_interrupt(), pytest.raises(KeyboardInterrupt):
        start()

    assert done == ["started and recorded"]


def test_without_a_signal_the_handlers_are_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with interrupts_deferred():
        pass

    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_has_no_signals_to_defer() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with interrupts_deferred():
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert failures == []
