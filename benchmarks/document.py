"""Writes `docs/benchmarks.md` and its plot from the result files."""

from collections.abc import Mapping

from benchmarks.growth_document import growth_section
from benchmarks.plots import plots
from benchmarks.results import DOCS, Json, read_growth, read_latest

PAGE = DOCS / "benchmarks.md"
PLOT = DOCS / "benchmarks.svg"
NOT_FIGURES = frozenset({"machine", "versions"})

INTRODUCTION = """\
# Benchmarks

`make bench` writes this page from `benchmarks/results/latest.json`, which also has every single measurement. A figure
is the median of repeats on real engines; its sides are measured in turns. Acknowledged writes are on disk
(`commitlog_sync: group`) unless the row says otherwise. Both sides work on the same rows in the same tables, and a time
counts only if both wrote the same rows. The notes say which processes used the processors.

    make bench                                       # everything: 2 to 3 hours, since two wait for the clock
    make bench ONLY=ingest_vs_dsbulk REPEATS=5       # one figure, with more repeats
    python -m benchmarks.growth                      # ten million events in steps
"""


def write_document() -> None:
    """Write both files from the latest measurements."""
    latest = read_latest()
    figures = {key: value for key, value in latest.items() if key not in NOT_FIGURES}
    write_plot(figures)
    parts = [INTRODUCTION, _machine(latest), _table(figures), f"![Figures against their goals]({PLOT.name})\n"]
    parts += [_notes(figures), growth_section(read_growth())]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def write_plot(figures: Mapping[str, Json]) -> None:
    """Plot how many times better than its goal each figure is; the line at 1 is the goal."""
    plt = plots()
    margins = {key: margin(figure) for key, figure in figures.items()}
    canvas, axes = plt.subplots(figsize=(9, 0.42 * len(margins) + 1.2), layout="constrained")
    bars = axes.barh(
        list(margins), list(margins.values()), color=["#2a7f62" if m >= 1 else "#b5473c" for m in margins.values()]
    )
    axes.bar_label(bars, labels=[_value(figure) for figure in figures.values()], padding=4)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *margins.values()) * 0.8, max(2.0, *margins.values()) * 2)
    axes.set_xlabel("times better than the goal (the line)")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(PLOT, metadata={"Date": None})
    plt.close(canvas)


def margin(figure: Json) -> float:
    """How many times better than its goal a figure is; below 1 the goal isn't met."""
    goal, value = figure["goal"], figure["value"]
    return float(value / goal["at_least"] if "at_least" in goal else goal["at_most"] / value)


def _machine(latest: Json) -> str:
    found = latest["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in latest["versions"].items())
    machine = f"{found['processors']} processors ({found['processor']}), {found['memory_gib']} GiB, {found['system']}"
    return f"{machine}; {versions}.\n"


def _table(figures: Mapping[str, Json]) -> str:
    rows = [
        "| figure | key | ours | peer | value | goal | met | measured |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key, figure in figures.items():
        cells = (
            figure["title"],
            f"`{key}`",
            _shown(figure["ours"]),
            _shown(figure["peer"]) if figure["peer"] else "",
            f"**{_value(figure)}**",
            figure["goal_text"],
            "yes" if figure["met"] else "**no**",
            f"{figure['measured_at'][:10]} at `{figure['commit']}`",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _notes(figures: Mapping[str, Json]) -> str:
    lines = ["Notes and further measurements:", ""]
    for key, figure in figures.items():
        notes = [*figure["notes"], *(_shown(side) for side in figure["others"])]
        if notes:
            lines.append(f"- `{key}`: {'; '.join(notes)}.")
    return "\n".join(lines) + "\n"


def _value(figure: Json) -> str:
    return _number(figure["value"]) + (
        " x" if figure["unit"] == "x" else f" {figure['unit']}" if figure["unit"] else ""
    )


def _shown(side: Json) -> str:
    return f"{side['name']}: {_number(side['median'])} {side['unit']} (± {side['spread'] / 2:.0%})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
