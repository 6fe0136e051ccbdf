"""`recruit-assets engines start / stop / status / env`."""

import typer
from rich.console import Console
from rich.table import Table

from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import load_settings

MAX_WIDTH = 1_000

app = typer.Typer(no_args_is_help=True, help="Kafka, Cassandra, MariaDB and Spark as local processes, without Docker.")


@app.command()
def start() -> None:
    """Start the engines and return when all accept work. The first time it downloads them (273 MB)."""
    from recruit_assets.local.engines.engine_set import LocalEngines

    LocalEngines(load_settings()).start(echo)


@app.command()
def stop() -> None:
    """Stop the engines and return when their processes have ended. Data and ports are kept."""
    from recruit_assets.local.engines.engine_set import LocalEngines

    LocalEngines(load_settings()).stop(echo)


@app.command()
def status() -> None:
    """Show each engine's state, address, memory and log; exit code 1 unless all are running."""
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
    # the table's full width, so that paths can be copied
    Console(width=Console(width=MAX_WIDTH).measure(table).maximum).print(table)
    if any(engine.state is not EngineState.RUNNING for engine in engines):
        raise typer.Exit(1)


@app.command()
def env() -> None:
    """Print `export RECRUIT_...='...'` lines for the shell, passwords included."""
    from recruit_assets.local.engines.endpoints import export_lines

    typer.echo(export_lines(load_settings()))
