"""Simulations of a fixed day, in memory."""

from datetime import UTC, datetime, timedelta
from threading import Event

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.simulator.ledger import Ledger
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.spec import SimulationSpec

END = datetime(2026, 1, 6, tzinfo=UTC)
EXPENSIVE = (DeadLetterReason.TOO_LARGE, 0.0)


class FakeClock:
    """A clock that only waiting on its `stop` event moves."""

    def __init__(self, start: datetime = END) -> None:
        self.start = start
        self.elapsed_s = 0.0
        self.stop = _PatientEvent(self)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        return self.elapsed_s


class _PatientEvent(Event):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.elapsed_s += timeout or 0.0
        return self.is_set()


def a_spec(**options: object) -> SimulationSpec:
    """A simulation of 5 January 2026 without too large records, which are half a megabyte each."""
    defaults: dict[str, object] = {"events": 5_000, "seed": 7, "end": END, "reason_shares": (EXPENSIVE,)}
    return SimulationSpec(**(defaults | options))  # type: ignore[arg-type]  # the spec checks what it is given


def all_valid(**options: object) -> SimulationSpec:
    """A simulation without malformed records."""
    return a_spec(malformed_share=0.0, **options)


def simulated(spec: SimulationSpec) -> tuple[list[bytes | None], Ledger]:
    """Every record in the order of sending, and the ledger, simulated an hour after END."""
    sink = ListSink()
    clock = FakeClock(END + timedelta(hours=1))
    return sink.values, simulate(spec, sink, stop=clock.stop, clock=clock)


def valid_values(spec: SimulationSpec) -> list[bytes]:
    """The records of a spec without malformed ones."""
    values, _ = simulated(spec)
    return [value for value in values if value is not None]
