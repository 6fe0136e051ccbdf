"""`recruit-assets accounts apply`."""

import typer
from rich.console import Console

from recruit_assets.runtime.settings import AccountPasswords, load_settings

app = typer.Typer(no_args_is_help=True, help="Users of the report database, one per role.")


@app.callback()
def accounts() -> None:
    """Keep `apply` a subcommand: typer would otherwise make a lone command the group itself."""


@app.command()
def apply() -> None:
    """Create the users recruit_owner, _ingest, _lineage, _analyst and _dagster, or change their passwords.

    RECRUIT_ACCOUNT_OWNER and so on hold the passwords; a role without one is left alone. RECRUIT_MYSQL_USER must be a
    login that may create users.
    """
    from recruit_assets.stores.mysql.accounts import apply_accounts

    users = apply_accounts(load_settings(), AccountPasswords())
    Console(stderr=True).print(f"users are up to date: {', '.join(users) or 'none, no RECRUIT_ACCOUNT_ is set'}")
