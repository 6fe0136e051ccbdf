"""The section of docs/benchmarks.md on `benchmarks.growth`: a table of its steps, and a plot that should be flat."""

from collections.abc import Mapping, Sequence

from benchmarks.plots import plots
from benchmarks.results import DOCS, Json

PLOT = DOCS / "benchmarks-growth.svg"
COMMAND = "python -m benchmarks.growth --events 10000000"


def growth_section(growth: Json) -> str:
    """A table row for each step, and the plot; without results, the command that measures them."""
    if not growth:
        return f"`{COMMAND}` loads ten million events in steps and measures after each.\n"
    steps = growth["steps"]
    write_plot(steps)
    names = list(steps[0]["memory_mib"])
    lines = [
        "## Growth\n",
        f"`{COMMAND}` loads the history in steps of one day of event time.",
        "After each step it measures ingest including its start, a sensor tick that finds nothing, the report of one",
        "busy hour up to MySQL's commit, and resident memory in MiB (ingest: both processes at their peak).",
        f"It took {growth['minutes']:.0f} minutes; measured {growth['measured_at'][:10]} at `{growth['commit']}`.",
        "",
        f"| events | ingest, events/s | idle tick, ms | one hour, s | {' | '.join(names)} |",
        "|---|---|---|---|" + "---|" * len(names),
        *(_row(step, names) for step in steps),
        "",
        f"![Time and rate as multiples of their first values, and memory in MiB]({PLOT.name})",
    ]
    return "\n".join(lines) + "\n"


def write_plot(steps: Sequence[Json]) -> None:
    """Plot rate and times as multiples of their first values, and memory, over millions of events."""
    plt = plots()
    canvas, (costs, memory) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharex=True)
    series = {
        "ingest, events/s": "ingest_events_per_s",
        "idle tick, ms": "evaluation_ms",
        "one hour's report, s": "report_s",
    }
    history = [step["events"] / 1e6 for step in steps]
    for name, key in series.items():
        costs.plot(history, [step[key] / steps[0][key] for step in steps], marker="o", label=name)
    for name in steps[0]["memory_mib"]:
        memory.plot(history, [step["memory_mib"][name] for step in steps], marker="o", label=name)
    costs.set_ylabel("times the first step's value")
    costs.set_ylim(0, 2)
    memory.set_ylabel("resident memory, MiB")
    memory.set_ylim(0)
    for axes in (costs, memory):
        axes.set_xlabel("million events of history")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize="small")
    canvas.savefig(PLOT, metadata={"Date": None})
    plt.close(canvas)


def _row(step: Mapping[str, Json], names: Sequence[str]) -> str:
    cells = [
        f"{step['events']:,}",
        f"{step['ingest_events_per_s']:,.0f}",
        f"{step['evaluation_ms']:.1f}",
        f"{step['report_s']:.2f}",
        *(f"{step['memory_mib'][name]:,}" for name in names),
    ]
    return f"| {' | '.join(cells)} |"
