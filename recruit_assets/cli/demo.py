"""`recruit-assets demo`: the whole lineage on local engines, audited."""

import typer

EVENTS = 20_000
SEED = 7


def demo(
    events: int = typer.Option(EVENTS, min=1, help="How many events to simulate"),
    seed: int = typer.Option(SEED, help="Seed of the simulation"),
) -> None:
    """Simulate events into real engines, materialize the report, audit it, show it; stop what was started.

    Exit code 0 only if the audit is exact.
    """
    from recruit_assets.local.demo import run_demo

    raise typer.Exit(0 if run_demo(events=events, seed=seed).exact else 1)
