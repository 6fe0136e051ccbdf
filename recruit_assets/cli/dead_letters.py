"""`recruit-assets dead-letters`: lists rejected records and replays them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import as_utc, load_settings

if TYPE_CHECKING:  # it imports the clients of Kafka and MySQL
    from recruit_assets.ingest.dead_letters import Listed

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
    """List dead letters: origin, reason, and when each was last replayed."""
    from recruit_assets.ingest.dead_letters import Selection, list_dead_letters

    console = Console()
    found = list_dead_letters(load_settings(), Selection(reason, since and as_utc(since)))
    rows = (_cells(listed) for listed in islice(found, limit))
    if console.is_terminal:
        console.print(_table(rows))
    else:
        for row in rows:
            typer.echo("\t".join(row))
    if next(found, None) is not None:
        echo(f"More exist; use --limit {limit * 10}")


@app.command()
def replay(
    reason: Reason = None,
    since: Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed before")] = False,
) -> None:
    """Send the original records to the event topic. One that is rejected again becomes another dead letter."""
    from recruit_assets.ingest.dead_letters import Selection, replay_dead_letters

    done = replay_dead_letters(load_settings(), Selection(reason, since and as_utc(since)), again=again)
    echo(f"{done.sent:,} replayed, {done.skipped:,} skipped because they were replayed before")
    if done.cut:
        echo(f"{done.cut:,} can't be replayed: they were too large, so the topic has only their beginning")


def _table(rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table()
    for heading in COLUMNS[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(COLUMNS[-1], overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _cells(listed: "Listed") -> tuple[str, ...]:
    letter = listed.letter
    message = letter.message.removeprefix(f"{letter.origin}: ")
    return (
        letter.reason.value,
        str(letter.origin),
        f"{datetime.fromtimestamp(letter.timestamp_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}",
        str(letter.attempts),
        f"{listed.replayed_at:%Y-%m-%d %H:%M:%S}" if listed.replayed_at else "-",
        _printable(message if letter.is_whole else f"{message} (incomplete)"),
    )


def _printable(text: str) -> str:
    """The text without control characters: messages quote records, which may contain terminal escape sequences."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
