"""`recruit-assets schema apply`."""

import typer
from rich.console import Console

from recruit_assets.runtime.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Topics, keyspace, tables and report database.")


@app.callback()
def schema() -> None:
    """Keep `apply` a subcommand: typer would otherwise make a lone command the group itself."""


@app.command()
def apply(
    rerun: bool = typer.Option(
        False, "--rerun", help="Run migrations again that were applied, after a store was restored from an older backup"
    ),
) -> None:
    """Create or upgrade topics, keyspace, tables and the report database, and put RECRUIT_RETENTION_DAYS in force.

    Nothing is dropped, all rows are kept.
    """
    from recruit_assets.contract.tables import CURRENT_VERSION
    from recruit_assets.stores.schema import apply_schema

    settings = load_settings()
    apply_schema(settings, rerun=rerun, may_change_settings=True)
    Console(stderr=True).print(
        f"schema is up to date (version {CURRENT_VERSION}): topic {settings.kafka_topic}, "
        f"keyspace {settings.cassandra_keyspace}, database {settings.mysql_database}"
    )
