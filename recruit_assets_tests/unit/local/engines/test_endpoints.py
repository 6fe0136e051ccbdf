"""`engines env`: export lines for a shell."""

import json
import shlex
from pathlib import Path

import pytest

from recruit_assets.local.engines.endpoints import export_lines
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import ENDPOINTS_FILE, load_settings

PASSWORDS = ["plain", "two words", "it's", '$HOME `id` "quoted" \\', ""]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_shell_reads_every_value_unchanged(password: str, tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps({"mysql_port": 3307, "mysql_password": password}))

    lines = export_lines(load_settings(state_dir=tmp_path)).splitlines()

    assert [shlex.split(line) for line in lines] == [
        ["export", f"RECRUIT_STATE_DIR={tmp_path}"],
        ["export", "RECRUIT_MYSQL_PORT=3307"],
        ["export", f"RECRUIT_MYSQL_PASSWORD={password}"],
    ]


def test_values_are_in_single_quotes(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps({"mysql_port": 3307}))

    assert export_lines(load_settings(state_dir=tmp_path)).splitlines()[1] == "export RECRUIT_MYSQL_PORT='3307'"


def test_stopped_engines_have_no_export_lines(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no engines are running in .*: run `recruit-assets engines start`"):
        export_lines(load_settings(state_dir=tmp_path))
