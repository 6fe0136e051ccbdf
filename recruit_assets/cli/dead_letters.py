"""`recruit-assets dead-letters`: lists rejected records and replays them."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.foreign_text import printable
from recruit_assets.runtime.settings import as_utc, load_settings
from recruit_assets.runtime.times import from_ms

if TYPE_CHECKING:  # it imports the clients of Kafka and MySQL
    from recruit_assets.ingest.dead_letters import ForeignRecords, Traced

COLUMNS = ("reason", "origin", "time (UTC)", "attempts", "replayed (UTC)", "message")

app = typer.Typer(no_args_is_help=True, help="Rejected records, each with its reason and original.")

Reason = Annotated[DeadLetterReason | None, typer.Option(help="Only dead letters with this reason")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="Only records at or after this time, UTC"
    ),
]


@app.command("list")
def list_(
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of dead letters to show")] = 50,
) -> None:
    """List dead letters: reason, the record that was rejected first, and when it was last replayed.

    Records that another program wrote to the topic are counted; then the exit code is 1.
    """
    from recruit_assets.ingest.dead_letters import ForeignRecords, Selection, list_dead_letters

    console, foreign = Console(), ForeignRecords()
    found = list_dead_letters(load_settings(), Selection(reason, since and as_utc(since)), foreign=foreign)
    rows = (_cells(traced) for traced in islice(found, limit))
    if console.is_terminal:
        console.print(_table(rows))
    else:
        for row in rows:
            typer.echo("\t".join(row))
    if next(found, None) is not None:
        echo(f"More exist; use --limit {limit * 10}")
    _report(foreign)


@app.command()
def replay(
    reason: Reason = None,
    since: Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed before")] = False,
) -> None:
    """Send the original records to the event topic. One that is rejected again becomes another dead letter.

    Records that another program wrote to the topic are skipped and counted; then the exit code is 1.
    """
    from recruit_assets.ingest.dead_letters import Selection, replay_dead_letters

    done = replay_dead_letters(load_settings(), Selection(reason, since and as_utc(since)), again=again)
    echo(f"{done.sent:,} replayed, {done.skipped:,} skipped because they were replayed before")
    if done.cut:
        echo(f"{done.cut:,} can't be replayed: too large for the event topic, or only their beginning was kept")
    _report(done.foreign)


def _report(foreign: "ForeignRecords") -> None:
    """Exit with 1 if there are any."""
    if not foreign.count:
        return
    echo(f"{foreign.count:,} records of the topic were skipped: they aren't dead letters of this platform")
    for example in foreign.examples:
        echo(f"  {example}")
    raise typer.Exit(1)


def _table(rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table()
    for heading in COLUMNS[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(COLUMNS[-1], overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _cells(traced: "Traced") -> tuple[str, ...]:
    letter = traced.letter
    message = letter.message.removeprefix(f"{letter.origin}: ")
    return (
        letter.reason.value,
        str(traced.first),
        _time(letter.origin.timestamp_ms),
        str(traced.attempts),
        f"{traced.last.replayed_at:%Y-%m-%d %H:%M:%S}" if traced.last else "-",
        printable(message if letter.is_whole else f"{message} (incomplete)"),
    )


def _time(epoch_ms: int) -> str:
    try:
        return f"{from_ms(epoch_ms):%Y-%m-%d %H:%M:%S}"
    except OverflowError:  # a topic that took its producers' times has any
        return f"{epoch_ms} ms"
