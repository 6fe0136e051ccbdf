"""`recruit-assets dead-letters`: list what couldn't become an event, and send it again."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.settings import load_settings

if TYPE_CHECKING:  # it loads the clients of Kafka and MySQL
    from recruit_assets.ingest.dead_letters import Listed

COLUMNS = ("reason", "origin", "time (UTC)", "attempts", "replayed (UTC)", "message")

app = typer.Typer(no_args_is_help=True, help="Records that can't become events, with the reason and the original.")

Reason = Annotated[DeadLetterReason | None, typer.Option(help="Only those with this reason")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="Only records of this time or later, UTC"
    ),
]


@app.command("list")
def list_(
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many")] = 50,
) -> None:
    """Show dead letters: where each came from, why, and whether it was sent again."""
    from recruit_assets.ingest.dead_letters import Selection, list_dead_letters

    console = Console()
    found = list_dead_letters(load_settings(), Selection(reason, _utc(since)))
    rows = (_cells(listed) for listed in islice(found, limit))
    if console.is_terminal:
        console.print(_table(rows))
    else:
        for row in rows:
            typer.echo("\t".join(row))
    if next(found, None) is not None:
        Console(stderr=True).print(f"there are more; --limit {limit * 10} shows more of them")


@app.command()
def replay(
    reason: Reason = None,
    since: Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent again before")] = False,
) -> None:
    """Send originals to the event topic again. What is refused again becomes a dead letter of the same origin."""
    from recruit_assets.ingest.dead_letters import Selection, replay_dead_letters

    done = replay_dead_letters(load_settings(), Selection(reason, _utc(since)), again=again)
    console = Console(stderr=True)
    console.print(f"{done.sent:,} sent again, {done.skipped:,} skipped because they were sent again before")
    if done.cut:
        console.print(f"{done.cut:,} can't be sent again: they were too large, only their beginning is kept")


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
        _printable(message if letter.is_whole else f"{message} (only the beginning is kept)"),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None else moment.replace(tzinfo=UTC)


def _printable(text: str) -> str:
    """Messages quote what someone sent, which could be a terminal's control sequences."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
