"""`recruit-assets report`: the report as one HTML page, once or kept fresh."""

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from recruit_assets.runtime.errors import RecruitError, UserError
from recruit_assets.runtime.settings import load_settings

log = logging.getLogger(__name__)


def report(
    html: Annotated[Path, typer.Option(help="Where to write the page; it needs no other file and no network")],
    days: int = typer.Option(366, min=1, max=3660, help="Show so many of the report's last days"),
    every: float = typer.Option(0, min=0, help="Write it again every so many seconds, until SIGTERM or Ctrl-C"),
) -> None:
    """Write the report as a page for people: spend, clicks and applications, how fresh it is, what the audit said.

    A reader of the file finds it whole at any time. With --every, a store that is down leaves the old page in place.
    """
    from recruit_assets.defs.checks import CHECK_KEYS
    from recruit_assets.observability.report_page import write_page
    from recruit_assets.runtime.signals import stop_on_signals
    from recruit_assets.stores.dagster.instance import open_instance

    settings = load_settings()
    with open_instance(settings) as instance:
        if not every:
            write_page(settings, instance, html, checks=CHECK_KEYS, days=days)
            Console(stderr=True).print(f"the report is in {html}", markup=False, highlight=False, soft_wrap=True)
            return
        stop = stop_on_signals()
        while True:
            try:
                write_page(settings, instance, html, checks=CHECK_KEYS, days=days)
            except UserError:
                raise
            except RecruitError as error:
                log.warning("the page stays as it was: %s", error)
            if stop.wait(every):
                return
