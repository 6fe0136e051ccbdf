"""`recruit-assets accounts apply`."""

import typer

from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import AccountPasswords, load_settings

app = typer.Typer(no_args_is_help=True, help="Users of the report database, one per role.")


@app.callback()
def accounts() -> None:
    """Makes `apply` a subcommand; typer would turn a lone command into the group itself."""


@app.command()
def apply() -> None:
    """Create the users recruit_owner, _ingest, _lineage, _analyst and _dagster, or change their passwords.

    RECRUIT_ACCOUNT_OWNER and so on are the passwords; a role without one isn't changed. RECRUIT_MYSQL_USER must be
    allowed to create users.
    """
    from recruit_assets.stores.mysql.accounts import apply_accounts

    users = apply_accounts(load_settings(), AccountPasswords())
    echo(f"users are up to date: {', '.join(users) or 'none, no RECRUIT_ACCOUNT_ is set'}")
