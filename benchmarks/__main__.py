"""`python -m benchmarks`, or `make bench`: measures, then writes `results/latest.json` and `docs/benchmarks.md`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.console import console, echo
from benchmarks.document import write_document
from benchmarks.engines import started_engines
from benchmarks.figure import Figure
from benchmarks.results import record
from benchmarks.suite import chosen
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.signals import interrupt_on_signals


def main(
    only: Annotated[str, typer.Option(help="Keys, comma separated; other figures keep their last values")] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Measurements of each side, interleaved")] = 3,
    state_dir: Annotated[Path, typer.Option(help="State directory of the engines; emptied first")] = Path(
        ".recruit/bench"
    ),
) -> None:
    """Measure on newly started engines. Exit code 0 if everything was measured, whether or not goals are met."""
    configure_logs()
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # otherwise it logs at length that Spark ended first
    try:
        benchmarks = chosen(only)
    except KeyError as unknown:
        raise typer.BadParameter(f"no benchmark has the key {unknown}") from unknown
    with interrupt_on_signals(), started_engines(state_dir.resolve(), echo) as engines:
        for benchmark in benchmarks:
            echo(f"{', '.join(benchmark.keys)}: {repeats} repeats")
            figures = benchmark.measure(engines, repeats)
            record(figures)  # now, since a later benchmark may fail
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
