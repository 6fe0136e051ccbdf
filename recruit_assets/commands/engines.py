"""`recruit-assets engines start / stop / status / env`."""

import typer
from rich.console import Console
from rich.table import Table

from recruit_assets.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Kafka, Cassandra and MariaDB as local processes, without Docker.")


@app.command()
def start() -> None:
    """Start the engines that don't run; returns when all accept work. The first time it downloads them (270 MB)."""
    from recruit_assets.engines.local import LocalEngines

    LocalEngines(load_settings()).start(_say)


@app.command()
def stop() -> None:
    """Stop the engines; returns when their processes are gone. Data and ports are kept."""
    from recruit_assets.engines.local import LocalEngines

    LocalEngines(load_settings()).stop(_say)


@app.command()
def status() -> None:
    """Show each engine's state, port, memory and log; exit code 1 unless all run."""
    from recruit_assets.engines.engine import EngineState
    from recruit_assets.engines.local import LocalEngines

    found = LocalEngines(load_settings()).status()
    table = Table("engine", "state", "address", "pid", "uptime", "memory", "log", box=None, pad_edge=False)
    for each in found:
        table.add_row(
            each.name,
            f"{each.state}: {each.note}" if each.note else each.state,
            f"127.0.0.1:{each.port}" if each.port else "",
            str(each.pid or ""),
            f"{each.uptime_s:.0f} s" if each.uptime_s is not None else "",
            f"{each.rss_bytes / 1e6:.0f} MB" if each.rss_bytes is not None else "",
            str(each.log),
        )
    Console(soft_wrap=True).print(table)
    if any(each.state is not EngineState.RUNNING for each in found):
        raise typer.Exit(1)


@app.command()
def env() -> None:
    """Print `export RECRUIT_...='...'` lines for the shell, the password included."""
    from recruit_assets.engines.endpoints import export_lines

    typer.echo(export_lines(load_settings()))


def _say(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(message, markup=False, highlight=False)
