"""`recruit-assets privacy`: exports or erases what is stored of a person."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from recruit_assets.runtime.echo import console, echo
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings, load_settings

if TYPE_CHECKING:  # it imports the clients of Kafka and Cassandra
    from recruit_assets.ingest.erasing import Erased

JSON = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
TIME = "%Y-%m-%d %H:%M:%S UTC"

app = typer.Typer(no_args_is_help=True, help="What is stored of a person: exported, or erased.")

Uid = Annotated[str, typer.Argument(help="The person's uid, or its pseudonym; - reads it from standard input")]


@app.command()
def export(
    uid: Uid,
    out: Annotated[Path | None, typer.Option(help="Write to this file, which only its owner can read")] = None,
) -> None:
    """Print everything of a person as JSON lines: events, dead letters, and the events' records still in Kafka."""
    lines = _lines(load_settings(), _given(uid))
    if out is None:
        for line in lines:
            typer.echo(line, nl=False)
        return
    everything = list(lines)
    atomic_write(out, b"".join(everything), private=True)
    echo(f"{len(everything):,} lines are in {out}")


@app.command()
def erase(uid: Uid) -> None:
    """Erase a person from events and dead letters, also from those that come again; the report stays as it is.

    It waits until running ingest processes know. If it was killed, or exits with 1, run it again.
    """
    from recruit_assets.ingest.erasing import erase as erase_person

    given = _given(uid)
    with console.status("erasing"):  # only shown on a terminal
        done = erase_person(load_settings(), given)
    _report(done)


def _given(uid: str) -> str:
    return sys.stdin.readline().rstrip("\r\n") if uid == "-" else uid


def _lines(settings: Settings, uid: str) -> Iterator[bytes]:
    from recruit_assets.ingest.people import export as found

    return (orjson.dumps(one, option=JSON) for one in found(settings, uid))


def _report(done: "Erased") -> None:
    echo(f"erased from {done.events:,} events and {done.letters:,} dead letters; no row was removed")
    echo(
        f"checked: no event up to {done.through:{TIME}} has the uid, and ingest has committed what it read before it "
        "knew of the erasure"
    )
    if done.waiting:
        echo(f"{done.waiting:,} records in Kafka aren't ingested yet: they will be stored without the person")
    for one in done.kept:
        until = f"about {one.until:{TIME}}" if one.until else "they are deleted: the topic keeps records for ever"
        echo(
            f"Kafka still has {one.records:,} records of these events in {one.place}, offsets {one.first} to "
            f"{one.last}, until {until}"
        )
    echo("Cassandra's files have the deleted values until they are compacted: docs/security.md has the commands")
