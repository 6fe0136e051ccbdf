"""`recruit-assets simulate`: sends a simulated site's events to Kafka or a file, and writes the expected report."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from recruit_assets.cli.progress import progress_bars
from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.runtime.signals import INTERRUPTED, stop_on_signals
from recruit_assets.simulator.spec import SIMULATED_REASONS, DayShape, SimulationSpec

if TYPE_CHECKING:  # it imports the clients of Kafka and MySQL
    from recruit_assets.simulator.ledger import Ledger

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def simulate(
    events: Annotated[int, typer.Option(help="Records to send, of all kinds; 0: no limit (with --live)")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed, options and --end give the same bytes")] = 1,
    rate: Annotated[float, typer.Option(help="Records per second; 0: as fast as possible")] = 0.0,
    live: Annotated[bool, typer.Option("--live", help="Event times are the present (with --rate)")] = False,
    start: Annotated[
        datetime | None,
        typer.Option(formats=TIME_FORMATS, help="First event time, UTC  [default: 24 hours before --end]"),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="End of event times (exclusive), UTC  [default: now]")
    ] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write JSON lines to this file, not to Kafka")] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Write counts and the expected report to this file, as JSON")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Job advertisements")] = 200,
    publishers: Annotated[int, typer.Option(help="Sites that show the advertisements")] = 12,
    campaigns: Annotated[int, typer.Option(help="Advertising campaigns")] = 30,
    groups: Annotated[int, typer.Option(help="Groups of jobs")] = 8,
    skew: Annotated[float, typer.Option(help="Zipf exponent of the jobs' popularity; 0: all equal")] = 1.1,
    day_shape: Annotated[DayShape, typer.Option(help="How events spread over the day")] = DayShape.OFFICE,
    late_share: Annotated[float, typer.Option(help="Share of events sent an hour or more late")] = 0.02,
    late_hours: Annotated[float, typer.Option(help="Maximum lateness; late events may precede --start")] = 48.0,
    duplicate_share: Annotated[float, typer.Option(help="Share of records that repeat an earlier one")] = 0.02,
    malformed_share: Annotated[float, typer.Option(help="Share of records that can't become events")] = 0.01,
    malformed: Annotated[
        list[str] | None,
        typer.Option(metavar="REASON=SHARE", help="Share of records with one dead letter reason; repeatable"),
    ] = None,
    uncountable_share: Annotated[float, typer.Option(help="Share of events that the report doesn't count")] = 0.7,
    event_data_share: Annotated[
        float, typer.Option(help="Share of countable events whose job is only in `ed`, see RECRUIT_ATTRIBUTION")
    ] = 0.0,
    repeat_share: Annotated[
        float,
        typer.Option(help="Share of people who come back to the same job within seconds, see RECRUIT_CLICK_QUALITY"),
    ] = 0.0,
    robot_share: Annotated[float, typer.Option(help="Share of robots among those who come to a job")] = 0.0,
    internal_share: Annotated[float, typer.Option(help="Share of countable events on developers' machines")] = 0.0,
    ended_share: Annotated[float, typer.Option(help="Share of jobs that end a day before the last event")] = 0.0,
    further_share: Annotated[
        float, typer.Option(help="Share of the other events that have an action of RECRUIT_FUNNEL_ACTIONS")
    ] = 0.0,
    journey_share: Annotated[
        float, typer.Option(help="Share of applications by the person who clicked on the job last")
    ] = 0.0,
) -> None:
    """Send events as real trackers do, with all their oddities, and compute the exact report that must result.

    Unless the events go to a file, it also loads jobs, names and budgets into the report database. On Ctrl-C or SIGTERM
    it waits until what was sent is acknowledged, and writes the ledger.
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
        event_data_share=event_data_share,
        repeat_share=repeat_share,
        robot_share=robot_share,
        internal_share=internal_share,
        ended_share=ended_share,
        further_share=further_share,
        further_actions=tuple(settings.funnel_action_list) if further_share else (),
        journey_share=journey_share,
        lines_only=jsonl is not None,
        first_hour=settings.first_hour,
        max_event_bytes=settings.max_event_bytes,
    )
    if ledger:
        # a failed run leaves no ledger, so one of an earlier run must not stay
        with _user_error(ledger):
            ledger.unlink(missing_ok=True)
    started_s = perf_counter()
    sent = _send(settings, spec, jsonl)
    elapsed_s = perf_counter() - started_s
    if ledger:
        sent.write(ledger)
    _show_counts(sent, elapsed_s)
    if sent.counts["records"] < events:
        raise typer.Exit(INTERRUPTED)


def _send(settings: Settings, spec: SimulationSpec, jsonl: Path | None) -> "Ledger":
    from recruit_assets.simulator.expected import expected_tables, rules_of
    from recruit_assets.simulator.jobs import site_jobs
    from recruit_assets.simulator.publish import LinesSink, simulate, simulate_to_kafka
    from recruit_assets.simulator.unusual_clicks import end_dates

    with stop_on_signals() as stop, progress_bars() as bars:
        progress = partial(bars, "simulate")
        if jsonl is None:
            return simulate_to_kafka(settings, spec, stop=stop, progress=progress)
        with _user_error(jsonl), jsonl.open("wb") as file:
            return simulate(
                spec,
                LinesSink(file),
                stop=stop,
                progress=progress,
                rules=rules_of(settings),
                downstream=expected_tables(settings, end_dates(spec, site_jobs(spec.jobs), now=datetime.now(UTC))),
            )


@contextmanager
def _user_error(path: Path) -> Iterator[None]:
    """An OSError of the block becomes a UserError about this file."""
    try:
        yield
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror or error}") from error


def _reason_share(text: str) -> tuple[DeadLetterReason, float]:
    """Parse REASON=SHARE, such as not_json=0.01."""
    reason, _, share = text.partition("=")
    try:
        return DeadLetterReason(reason), float(share)
    except ValueError as error:
        raise UserError(
            f"--malformed must be REASON=SHARE with one of {', '.join(SIMULATED_REASONS)}, not {text}"
        ) from error


def _show_counts(ledger: "Ledger", elapsed_s: float) -> None:
    counts = ledger.counts
    records = counts["records"]
    echo(
        f"sent {records:,} records in {elapsed_s:.1f} s ({records / elapsed_s:,.0f}/s): {counts['events']:,} events "
        f"({counts['countable']:,} countable, {counts['unattributed']:,} unattributed, {counts['late']:,} late), "
        f"{counts['duplicates']:,} duplicates, {sum(counts['dead_letters'].values()):,} malformed"
    )
