"""A figure is compared with its goal; one that isn't measured again keeps its values and its date."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import growth_document, results
from benchmarks.document import margin
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.growth_document import growth_section
from benchmarks.results import read_latest, record

ANY_GOAL = Goal(at_least=1)


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "LATEST", tmp_path / "results" / "latest.json")


@pytest.mark.parametrize(
    ("goal", "value", "met", "times_better"),
    [
        (Goal(at_least=1.5), 1.5, True, 1.0),
        (Goal(at_least=1.5), 1.2, False, 0.8),
        (Goal(at_most=15, stretch=10), 12, True, 1.25),
        (Goal(at_most=15, stretch=10), 20, False, 0.75),
    ],
)
def test_a_goal_is_a_bound(goal: Goal, value: float, met: bool, times_better: float) -> None:
    found = record([a_figure(value=value, goal=goal)])["ratio"]

    assert found["met"] is met
    assert margin(found) == pytest.approx(times_better)


def test_a_figure_keeps_the_median_the_spread_and_every_repeat_of_both_sides() -> None:
    record([a_figure()])

    assert read_latest()["ratio"]["ours"] == {
        "name": "ours",
        "unit": "events/s",
        "median": 200.0,
        "spread": 0.5,
        "repeats": [200.0, 150.0, 250.0],
    }
    assert read_latest()["ratio"]["peer"]["median"] == 100.0


def test_a_figure_that_is_not_measured_again_is_kept() -> None:
    record([a_figure("first"), a_figure("second")])
    before = read_latest()

    record([a_figure("second", value=9.0)])

    assert read_latest()["first"] == before["first"]
    assert read_latest()["second"]["value"] == 9.0


def test_the_sides_are_measured_in_turns() -> None:
    """Drift of the machine or an engine must affect both sides equally."""
    turns = iter(range(6))

    found = interleaved({"ours": lambda: next(turns), "peer": lambda: next(turns)}, 3)

    assert found == {"ours": (0, 2, 4), "peer": (1, 3, 5)}


def a_figure(key: str = "ratio", *, value: float = 2.0, goal: Goal = ANY_GOAL) -> Figure:
    ours, peer = Side("ours", "events/s", (200, 150, 250)), Side("peer", "events/s", (100, 90, 110))
    return Figure(key=key, title="A ratio", value=value, unit="x", goal=goal, ours=ours, peer=peer)


def test_writing_results_does_not_make_the_commit_dirty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every figure but the first would be marked as dirty."""
    monkeypatch.setattr(results, "REPOSITORY", tmp_path)
    for name in ("code.py", "benchmarks/results/latest.json", "docs/benchmarks.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    author = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)

    (tmp_path / "benchmarks/results/latest.json").write_text("after")
    (tmp_path / "docs/benchmarks.md").write_text("after")
    clean = results.commit()
    (tmp_path / "code.py").write_text("after")

    assert results.commit() == f"{clean}-dirty"


def test_growth_is_shown_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth_document, "PLOT", tmp_path / "growth.svg")
    step = {"ingest_events_per_s": 14_000.4, "evaluation_ms": 8.04, "report_s": 1.234, "memory_mib": {"kafka": 1_234}}
    steps = [{"events": size * 1_000_000} | step for size in (1, 2)]

    shown = growth_section({"minutes": 14.2, "measured_at": "2026-01-05T00:00", "commit": "abc", "steps": steps})

    assert "| 2,000,000 | 14,000 | 8.0 | 1.23 | 1,234 |" in shown
    assert (tmp_path / "growth.svg").stat().st_size > 0
