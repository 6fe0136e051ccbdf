"""The README names every command, and the generated pages and pictures are current."""

from pathlib import Path

import pytest
from typer.main import get_command

from recruit_assets.cli.main import app
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets_tests.generated_docs.write import DOCS, texts

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_command_is_named() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # the app is a group

    assert [name for name in commands if f"`{name}" not in README] == []


@pytest.mark.parametrize("name", texts())
def test_a_generated_file_is_current(name: str) -> None:
    """If not: `make docs`."""
    assert (DOCS / name).read_text(encoding="utf-8") == texts()[name]


def test_every_setting_has_one_row_in_the_configuration_page() -> None:
    page = texts()["configuration.md"]

    assert {name: page.count(f"\n| `{variable(name)}` |") for name in Settings.model_fields} == dict.fromkeys(
        Settings.model_fields, 1
    )
