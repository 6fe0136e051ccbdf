"""`recruit-assets materialize`: what the 6 AM schedule does, now, and every other hour that is pending."""

from rich.console import Console

from recruit_assets.runtime.settings import load_settings


def materialize() -> None:
    """Drain Kafka and bring every pending hour of the report up to date, as Dagster runs in this process.

    Needs no daemon; the runs show in Dagster's UI. Exit code 1 when an hour could not be done.
    """
    from recruit_assets.definitions import build_defs
    from recruit_assets.defs.materialize import materialize_pending

    console = Console(stderr=True)
    with console.status("materializing"):  # seen only on a terminal
        settings = load_settings()
        done = materialize_pending(
            build_defs(settings=settings),
            settings,
            lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True),
        )
    console.print(
        f"nothing is pending: {done.records:,} records drained, {done.hours} hours replaced in {done.runs} runs"
    )
