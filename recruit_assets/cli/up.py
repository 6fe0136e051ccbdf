"""`recruit-assets up`: the whole platform on this machine, until Ctrl-C."""

import typer

FIRST_PORT = 3000
FIRST_METRICS_PORT = 9464


def up(
    rate: float = typer.Option(20.0, min=0, help="Simulated events per second; 0: no simulator"),
    port: int = typer.Option(FIRST_PORT, help="Port of Dagster's UI, or the next free one"),
    metrics_port: int = typer.Option(FIRST_METRICS_PORT, help="Port of the metrics, or the next free one"),
) -> None:
    """Run the whole platform on this machine and keep it running; Ctrl-C stops all of it, engines included."""
    from recruit_assets.local.up import run_until_interrupted

    run_until_interrupted(rate=rate, port=port, metrics_port=metrics_port)
