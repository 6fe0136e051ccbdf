"""`recruit-assets report`: writes the report as one HTML page, once or repeatedly."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.errors import RecruitError, UserError
from recruit_assets.runtime.settings import load_settings

log = logging.getLogger(__name__)


def report(
    html: Annotated[Path, typer.Option(help="Where to write the page; it needs no other file and no network")],
    days: int = typer.Option(366, min=1, max=3660, help="Number of days to show, up to the newest"),
    every: float = typer.Option(0, min=0, help="Rewrite the page every this many seconds, until SIGTERM or Ctrl-C"),
) -> None:
    """Write the report as a page: spend, clicks and applications, how fresh they are, and the last audit.

    The file is replaced atomically. With --every, the old page stays while a store is down.
    """
    from recruit_assets.defs.checks import CHECK_KEYS
    from recruit_assets.observability.report_page import write_page
    from recruit_assets.runtime.signals import stop_on_signals
    from recruit_assets.stores.dagster.instance import open_instance

    settings = load_settings()
    with open_instance(settings) as instance:
        if not every:
            write_page(settings, instance, html, checks=CHECK_KEYS, days=days)
            echo(f"the report is in {html}")
            return
        with stop_on_signals() as stop:
            while not stop.is_set():
                try:
                    write_page(settings, instance, html, checks=CHECK_KEYS, days=days)
                except UserError:
                    raise
                except RecruitError as error:
                    log.warning("the page wasn't updated: %s", error)
                stop.wait(every)
