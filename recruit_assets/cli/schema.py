"""`recruit-assets schema apply`."""

import typer
from rich.console import Console

from recruit_assets.runtime.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Topics, keyspace, tables and report database.")


@app.callback()
def schema() -> None:
    """Keep `apply` a subcommand: typer would otherwise make a lone command the group itself."""


@app.command()
def apply() -> None:
    """Create or upgrade topics, keyspace, tables and the report database; nothing is ever dropped."""
    from recruit_assets.stores.schema import apply_schema

    settings = load_settings()
    apply_schema(settings)
    Console(stderr=True).print(
        f"schema is up to date: topic {settings.kafka_topic}, keyspace {settings.cassandra_keyspace}, "
        f"database {settings.mysql_database}"
    )
