"""`recruit-assets demo`: the whole lineage on local engines, audited."""

import os

import typer

EVENTS = 20_000
SEED = 7
FULL = {
    "RECRUIT_CLICK_QUALITY": "on",
    "RECRUIT_ATTRIBUTION_DAYS": "7",
    "RECRUIT_FUNNEL_ACTIONS": "redirect,interview_scheduled,hired",
}
"""What `--full` switches on, unless it is set."""


def demo(
    events: int = typer.Option(EVENTS, min=1, help="How many events to simulate"),
    seed: int = typer.Option(SEED, help="Seed of the simulation"),
    full: bool = typer.Option(
        False,
        "--full",
        help="Also fill the tables beside the report: valid traffic, credits, further actions",
    ),
) -> None:
    """Start local engines, simulate events, materialize the report, audit and show it, and stop the engines.

    Exit code 0 only if the audit is exact.
    """
    if full:
        switch_all_on()
    from recruit_assets.local.demo import run_demo

    raise typer.Exit(0 if run_demo(events=events, seed=seed).exact else 1)


def switch_all_on() -> None:
    """Export each setting of FULL that isn't set."""
    os.environ.update({name: value for name, value in FULL.items() if name not in os.environ})
