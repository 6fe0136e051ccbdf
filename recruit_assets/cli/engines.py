"""`recruit-assets engines start / stop / status / env`."""

import typer
from rich.console import Console
from rich.table import Table

from recruit_assets.runtime.settings import load_settings

WIDEST = 1_000

app = typer.Typer(no_args_is_help=True, help="Kafka, Cassandra, MariaDB and Spark as local processes, without Docker.")


@app.command()
def start() -> None:
    """Start the engines that don't run; returns when all accept work. The first time it downloads them (260 MB)."""
    from recruit_assets.local.engines.engine_set import LocalEngines
    from recruit_assets.runtime.signals import ending_signals_interrupt

    with ending_signals_interrupt():
        LocalEngines(load_settings()).start(_echo)


@app.command()
def stop() -> None:
    """Stop the engines; returns when their processes are gone. Data and ports are kept."""
    from recruit_assets.local.engines.engine_set import LocalEngines

    LocalEngines(load_settings()).stop(_echo)


@app.command()
def status() -> None:
    """Show each engine's state, address, memory and log; exit code 1 unless all run."""
    from recruit_assets.local.engines.engine import HOST, EngineState
    from recruit_assets.local.engines.engine_set import LocalEngines

    engines = LocalEngines(load_settings()).status()
    table = Table("engine", "state", "address", "pid", "uptime", "memory", "log", box=None, pad_edge=False)
    for engine in engines:
        table.add_row(
            engine.name,
            f"{engine.state}: {engine.note}" if engine.note else engine.state,
            f"{HOST}:{engine.port}" if engine.port else "",
            str(engine.pid or ""),
            f"{engine.uptime_s:.0f} s" if engine.uptime_s is not None else "",
            f"{engine.rss_bytes / 1e6:.0f} MB" if engine.rss_bytes is not None else "",
            str(engine.log),
        )
    # as wide as it is: a path that is cut off can't be copied
    Console(width=Console(width=WIDEST).measure(table).maximum).print(table)
    if any(engine.state is not EngineState.RUNNING for engine in engines):
        raise typer.Exit(1)


@app.command()
def env() -> None:
    """Print `export RECRUIT_...='...'` lines for the shell, the password included."""
    from recruit_assets.local.engines.endpoints import export_lines

    typer.echo(export_lines(load_settings()))


def _echo(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(message, markup=False, highlight=False)
