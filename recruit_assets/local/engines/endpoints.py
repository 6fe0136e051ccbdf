"""The addresses and logins of the running engines, for a shell."""

import shlex

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, read_endpoints, variable


def export_lines(settings: Settings) -> str:
    """`export RECRUIT_...='...'` lines, one per setting; UserError while the engines are stopped."""
    endpoints = read_endpoints(settings.state_dir)
    if not endpoints:
        raise UserError(f"no engines are running in {settings.state_dir}: run `recruit-assets engines start`")
    values = {"state_dir": settings.state_dir} | endpoints
    return "\n".join(f"export {variable(name)}={_quoted(str(value))}" for name, value in values.items())


def _quoted(value: str) -> str:
    """The value in single quotes, even if the shell doesn't need them."""
    return shlex.quote(value) if "'" in value else f"'{value}'"
