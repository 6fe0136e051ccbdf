"""`python -m benchmarks`, or `make bench`: measures, then writes `results/latest.json` and `docs/benchmarks.md`.

Belongs here: arguments and order. What is measured stands in `suite`.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.arena import open_arena
from benchmarks.console import console, echo
from benchmarks.document import write_document
from benchmarks.figure import Figure
from benchmarks.results import record
from benchmarks.suite import chosen
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.signals import interrupt_on_signals


def main(
    only: Annotated[str, typer.Option(help="Keys, comma separated; the other figures keep their last values")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of each side, in turns")] = 3,
    state_dir: Annotated[Path, typer.Option(help="Of the engines, emptied first")] = Path(".recruit/bench"),
) -> None:
    """Measure on engines of its own. Exit code 0 when everything was measured, whether or not goals are met."""
    configure_logs()
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it tells at length that the arena's Spark ended before it
    try:
        benchmarks = chosen(only)
    except KeyError as unknown:
        raise typer.BadParameter(f"no benchmark gives {unknown}") from unknown
    with interrupt_on_signals(), open_arena(state_dir.resolve(), echo) as arena:
        for benchmark in benchmarks:
            echo(f"{', '.join(benchmark.keys)}: {repeats} repeats")
            figures = benchmark.measure(arena, repeats)
            record(figures)  # at once: what comes after may fail
            for figure in figures:
                _show(figure)
    write_document()


def _show(figure: Figure) -> None:
    verdict = "met" if figure.is_met else "NOT met"
    console.print(f"  {figure.key}: {figure.value:,.3f} {figure.unit} (goal {figure.goal}: {verdict})")
    for side in figure.sides:
        repeats = ", ".join(f"{value:,.2f}" for value in side.repeats)
        console.print(f"      {side.name}: {repeats} {side.unit}")


if __name__ == "__main__":
    typer.run(main)
