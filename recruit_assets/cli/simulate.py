"""`recruit-assets simulate`: a made-up site's events to Kafka or a file, and the ledger of what must come of them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.simulator.spec import SIMULATED_REASONS, DayShape, SimulationSpec

if TYPE_CHECKING:  # it loads the clients of Kafka and MySQL
    from recruit_assets.simulator.ledger import Ledger

Result = TypeVar("Result")

INTERRUPTED = 130
"""Exit code where a signal came before all records were sent, as after Ctrl-C in any shell."""
TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def simulate(
    events: Annotated[
        int, typer.Option(help="Records to send, all kinds included; 0: for ever (with --live)")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Same seed, same options, same --end: the same bytes")] = 1,
    rate: Annotated[float, typer.Option(help="Records per second, evenly; 0: as fast as possible")] = 0.0,
    live: Annotated[bool, typer.Option("--live", help="Events happen as they are sent (with --rate)")] = False,
    start: Annotated[
        datetime | None,
        typer.Option(formats=TIME_FORMATS, help="First event time, UTC  [default: 24 hours before --end]"),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="Event times end before this, UTC  [default: now]")
    ] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write lines into this file, send nothing to Kafka")] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Write what was sent and the report it must give, as JSON")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Job advertisements")] = 200,
    publishers: Annotated[int, typer.Option(help="Sites that show them")] = 12,
    campaigns: Annotated[int, typer.Option(help="Advertising campaigns")] = 30,
    groups: Annotated[int, typer.Option(help="Groups of jobs")] = 8,
    skew: Annotated[float, typer.Option(help="Zipf exponent of the popularity of jobs; 0: all alike")] = 1.1,
    day_shape: Annotated[DayShape, typer.Option(help="When things happen")] = DayShape.OFFICE,
    late_share: Annotated[float, typer.Option(help="Events sent an hour or more after they happened")] = 0.02,
    late_hours: Annotated[float, typer.Option(help="Greatest lateness; may lie before --start")] = 48.0,
    duplicate_share: Annotated[float, typer.Option(help="Records sent again")] = 0.02,
    malformed_share: Annotated[float, typer.Option(help="Records that can't be events, in every way")] = 0.01,
    malformed: Annotated[
        list[str] | None,
        typer.Option(metavar="REASON=SHARE", help="A share of its own for one dead-letter reason; repeatable"),
    ] = None,
    uncountable_share: Annotated[float, typer.Option(help="Events that no report counts")] = 0.7,
) -> None:
    """Send events as real trackers do, with all their oddities, and work out the exact report that they must give.

    Loads the jobs into the report database, unless the events go into a file. Ctrl-C or SIGTERM ends it in order:
    what was sent is acknowledged and the ledger is written.
    """
    settings = load_settings()
    spec = SimulationSpec(
        events=events,
        seed=seed,
        start=start,
        end=end,
        live=live,
        rate=rate,
        jobs=jobs,
        publishers=publishers,
        campaigns=campaigns,
        groups=groups,
        skew=skew,
        day_shape=day_shape,
        late_share=late_share,
        late_hours=late_hours,
        duplicate_share=duplicate_share,
        malformed_share=malformed_share,
        reason_shares=tuple(_reason_share(text) for text in malformed or ()),
        uncountable_share=uncountable_share,
        lines_only=jsonl is not None,
        first_hour=settings.first_hour,
        max_event_bytes=settings.max_event_bytes,
    )
    if ledger:
        # a failed run has no ledger: one of an earlier run must not be taken for it
        _written(lambda: ledger.unlink(missing_ok=True), ledger)
    stop = Event()
    started_s = perf_counter()
    with _stopped_by_signals(stop), _progress_bar(events) as progress:
        kept = _to_lines(spec, jsonl, stop, progress) if jsonl else _to_kafka(settings, spec, stop, progress)
    elapsed_s = perf_counter() - started_s
    if ledger:
        _written(lambda: kept.write(ledger), ledger)
    _say_what_was_sent(kept, elapsed_s)
    if kept.counts["records"] < events:
        raise typer.Exit(INTERRUPTED)


def _to_kafka(settings: Settings, spec: SimulationSpec, stop: Event, progress: Callable[[int], object]) -> "Ledger":
    from recruit_assets.simulator.publish import simulate_to_kafka

    return simulate_to_kafka(settings, spec, stop=stop, progress=progress)


def _to_lines(spec: SimulationSpec, path: Path, stop: Event, progress: Callable[[int], object]) -> "Ledger":
    from recruit_assets.simulator.publish import LinesSink, simulate

    def write() -> "Ledger":
        with path.open("wb") as file:
            return simulate(spec, LinesSink(file), stop=stop, progress=progress)

    return _written(write, path)


def _written(write: Callable[[], Result], path: Path) -> Result:
    """What `write` returns; UserError when the file can't be written."""
    try:
        return write()
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror or error}") from error


def _reason_share(text: str) -> tuple[DeadLetterReason, float]:
    """not_json=0.01 as a reason and its share."""
    reason, _, share = text.partition("=")
    try:
        return DeadLetterReason(reason), float(share)
    except ValueError as error:
        raise UserError(
            f"--malformed must be REASON=SHARE with one of {', '.join(SIMULATED_REASONS)}, not {text}"
        ) from error


@contextmanager
def _stopped_by_signals(stop: Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop` instead of ending the process."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _progress_bar(records: int) -> Iterator[Callable[[int], object]]:
    """To be told how many records were sent; shown only when a person watches."""
    console = Console(stderr=True)
    columns = (TextColumn("simulate"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulate", total=records or None)
        yield lambda sent: bar.advance(task, sent)


def _say_what_was_sent(ledger: "Ledger", elapsed_s: float) -> None:
    counts = ledger.counts
    records = counts["records"]
    Console(stderr=True, soft_wrap=True).print(
        f"sent {records:,} records in {elapsed_s:.1f} s ({records / elapsed_s:,.0f}/s): {counts['events']:,} events "
        f"({counts['countable']:,} countable, {counts['unattributed']:,} unattributed, {counts['late']:,} late), "
        f"{counts['duplicates']:,} duplicates, {sum(counts['dead_letters'].values()):,} malformed",
        highlight=False,
    )
