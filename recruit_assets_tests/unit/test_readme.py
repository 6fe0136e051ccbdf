"""The README lists every setting with its default and meaning, and every command."""

from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.main import get_command

from recruit_assets.cli.main import app
from recruit_assets.runtime.settings import Settings, variable

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_in_its_table() -> None:
    rows = {line for line in README.splitlines() if line.startswith("| `RECRUIT_")}

    assert rows == {row_of(name, field) for name, field in Settings.model_fields.items()}


def test_every_command_is_named() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # the app is a group

    assert [name for name in commands if f"`{name}" not in README] == []


def row_of(name: str, field: FieldInfo) -> str:
    default = field.get_default()
    shown = (
        "" if isinstance(default, SecretStr) else f"{default:%Y-%m-%dT%H:%M}" if name == "first_hour" else str(default)
    )
    return f"| `{variable(name)}` | {f'`{shown}`' if shown else ''} | {field.description} |"
