"""`recruit-assets webserver`: serves Dagster's UI with checks of host, origin and login."""

from pathlib import Path
from typing import Annotated

import typer

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings, variable


def webserver(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", exists=True, help="A workspace.yaml; by default our code only")
    ] = None,
    host: str = typer.Option("127.0.0.1", help="Address to listen on"),
    port: int = typer.Option(3000, min=1, max=65535, help="Port to listen on"),
    require_login: bool = typer.Option(False, "--require-login", help="End with an error if no password is set"),
) -> None:
    """Serve Dagster's UI until SIGTERM or Ctrl-C.

    It answers requests to this machine's loopback names and RECRUIT_UI_HOSTS only, and none that another site's page
    sends. With RECRUIT_UI_OPERATOR_PASSWORD or RECRUIT_UI_VIEWER_PASSWORD set, it asks for a login.
    """
    import uvicorn

    from recruit_assets.defs.webserver.access import access_checks, may_operate
    from recruit_assets.defs.webserver.compat import checked_app
    from recruit_assets.stores.dagster.instance import open_instance

    settings = load_settings()
    if require_login and not settings.ui_operator_password.get_secret_value():
        raise UserError(f"{variable('ui_operator_password')} is not set: everybody could operate this server")
    with (
        open_instance(settings) as instance,
        checked_app(instance, workspace, access_checks(settings), may_operate=may_operate) as app,
    ):
        uvicorn.run(app, host=host, port=port, log_level="warning")
