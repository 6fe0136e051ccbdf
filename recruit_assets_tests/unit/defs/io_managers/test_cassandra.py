"""An input whose coverage is missing for a moment, because a run of the same hour is replacing it."""

from collections.abc import Callable

import pytest

from recruit_assets.defs.io_managers import cassandra
from recruit_assets.runtime.errors import MissingCoverage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(cassandra, "monotonic", lambda: now[0])
    monkeypatch.setattr(cassandra, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def reader(clock: list[float], *, covered_at: float) -> Callable[[], str]:
    def read() -> str:
        if clock[0] < covered_at:
            raise MissingCoverage("no coverage yet")
        return "rows"

    return read


def test_an_input_that_is_being_replaced_is_read_once_it_is_covered(clock: list[float]) -> None:
    """A backfill of hours up to the current one runs beside the runs of the current hour."""
    assert cassandra.once_covered(reader(clock, covered_at=2)) == "rows"
    assert clock == [2]


def test_an_input_that_nobody_replaces_fails_after_seconds(clock: list[float]) -> None:
    with pytest.raises(MissingCoverage, match="no coverage yet"):
        cassandra.once_covered(reader(clock, covered_at=60))
    assert clock == [5]
