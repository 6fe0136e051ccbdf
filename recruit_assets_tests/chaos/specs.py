"""The simulation of the chaos cases: small, a few hours long, with late, duplicate and malformed records."""

from datetime import UTC, datetime, timedelta

from recruit_assets.simulator.spec import SimulationSpec

START = datetime(2026, 1, 5, 6, tzinfo=UTC)


def a_few_hours(*, events: int, seed: int, hours: int = 3, rate: float = 0) -> SimulationSpec:
    """Few jobs, so that each report row counts many events."""
    return SimulationSpec(
        events=events,
        seed=seed,
        rate=rate,
        start=START,
        end=START + timedelta(hours=hours),
        late_hours=2,
        late_share=0.1,
        duplicate_share=0.05,
        malformed_share=0.03,
        jobs=20,
    )
