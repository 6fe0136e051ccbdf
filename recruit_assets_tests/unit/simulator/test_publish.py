"""Sinks, rate, and how a simulation ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.simulator.publish import LinesSink, ListSink, simulate
from recruit_assets_tests.support.simulations import FakeClock, a_spec, all_valid, simulated


class FailingSink(ListSink):
    """Fails when the simulation waits until everything is durable."""

    def finish(self) -> None:
        raise StoreUnavailable("Kafka doesn't answer")


class StoppingSink(ListSink):
    """Sets the clock's `stop` event after some records."""

    def __init__(self, clock: FakeClock, *, after: int) -> None:
        super().__init__()
        self.clock = clock
        self.after = after
        self.sent_at: list[tuple[float, int]] = []

    def send(self, values: Sequence[bytes | None]) -> None:
        super().send(values)
        self.sent_at.append((self.clock.elapsed_s, len(self.values)))
        if len(self.values) >= self.after:
            self.clock.stop.set()


def test_progress_counts_every_record() -> None:
    sink, steps = ListSink(), list[tuple[int, int]]()
    simulate(a_spec(), sink, progress=lambda sent, total: steps.append((sent, total)))

    assert steps == [(sent, 5_000) for sent, _ in sorted(steps)]
    assert steps[-1] == (len(sink.values), 5_000) == (5_000, 5_000)


@pytest.mark.parametrize("rate", [3.0, 100.0, 5_000.0])
def test_records_are_sent_evenly_at_the_rate(rate: float) -> None:
    clock = FakeClock()
    sink = StoppingSink(clock, after=10**9)
    simulate(a_spec(events=500, rate=rate), sink, stop=clock.stop, clock=clock)

    assert clock.elapsed_s == pytest.approx(500 / rate)
    # never more than a quarter of a second or one record ahead
    assert [(s, n) for s, n in sink.sent_at if n > s * rate + max(1, rate / 4) + 1e-6] == []


def test_a_delay_is_not_caught_up_in_a_burst() -> None:
    clock = FakeClock()

    class SlowSink(ListSink):
        def send(self, values: Sequence[bytes | None]) -> None:
            clock.elapsed_s += 30.0 if not self.values else 0.0
            super().send(values)

    simulate(a_spec(events=500, rate=100.0), SlowSink(), stop=clock.stop, clock=clock)

    assert clock.elapsed_s == pytest.approx(30 + 5 - 1, abs=0.1)


def test_a_stopped_simulation_returns_the_ledger_of_what_was_sent() -> None:
    clock = FakeClock()
    sink = StoppingSink(clock, after=300)
    ledger = simulate(a_spec(events=0, end=None, live=True, rate=100.0), sink, stop=clock.stop, clock=clock)

    assert ledger.counts["records"] == len(sink.values) == 300


def test_there_is_no_ledger_if_the_sink_fails() -> None:
    with pytest.raises(StoreUnavailable, match="doesn't answer"):
        simulate(a_spec(), FailingSink())


def test_the_lines_of_a_file_are_the_records(tmp_path: Path) -> None:
    spec = a_spec(lines_only=True)
    with (tmp_path / "events.jsonl").open("wb") as file:
        simulate(spec, LinesSink(file))

    assert (tmp_path / "events.jsonl").read_bytes().split(b"\n") == [*simulated(spec)[0], b""]


def test_a_single_event_can_be_simulated() -> None:
    values, ledger = simulated(all_valid(events=1))

    assert (len(values), ledger.counts["events"]) == (1, 1)
