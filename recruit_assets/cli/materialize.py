"""`recruit-assets materialize`: what the 6 AM schedule does, now, and every other pending hour."""

from recruit_assets.runtime.echo import console, echo
from recruit_assets.runtime.settings import load_settings


def materialize() -> None:
    """Drain Kafka and bring every pending hour of the report up to date, with Dagster runs in this process.

    It needs no daemon; the runs appear in Dagster's UI. Exit code 1 if an hour failed.
    """
    from recruit_assets.definitions import build_defs
    from recruit_assets.defs.materialize import materialize_pending

    with console.status("materializing"):  # only shown on a terminal
        settings = load_settings()
        done = materialize_pending(build_defs(settings=settings), settings, echo)
    echo(f"nothing is pending: {done.records:,} records drained, {done.hours} hours replaced in {done.runs} runs")
