"""The running engines' addresses and login, for the shell.

Belongs here: reading what `engines start` wrote. Not here: settings from it (`settings`).
"""

import json
import shlex

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, variable


def export_lines(settings: Settings) -> str:
    """`export RECRUIT_...='...'` lines, one a setting; UserError while the engines are stopped."""
    file = settings.state_dir / ENDPOINTS_FILE
    if not file.is_file():
        raise UserError(f"no engines run for {settings.state_dir}: run `recruit-assets engines start`")
    values = {"state_dir": settings.state_dir} | json.loads(file.read_text(encoding="utf-8"))
    return "\n".join(f"export {variable(name)}={_quoted(str(value))}" for name, value in values.items())


def _quoted(value: str) -> str:
    """In single quotes even where the shell wouldn't need them."""
    return shlex.quote(value) if "'" in value else f"'{value}'"
