"""`recruit-assets demo`: the whole lineage on local engines, audited."""

import typer

EVENTS = 20_000
SEED = 7


def demo(
    events: int = typer.Option(EVENTS, min=1, help="How many events to simulate"),
    seed: int = typer.Option(SEED, help="Seed of the simulation"),
) -> None:
    """Start local engines, simulate events, materialize the report, audit and show it, and stop the engines.

    Exit code 0 only if the audit is exact.
    """
    from recruit_assets.local.demo import run_demo

    raise typer.Exit(0 if run_demo(events=events, seed=seed).exact else 1)
