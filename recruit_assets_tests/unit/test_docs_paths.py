"""The pages for readers only name files, folders and modules that exist."""

import re
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
FOLDERS = ("", "recruit_assets", "recruit_assets_tests", "docker")
"""A quoted path is relative to one of these."""
NAMES = {file.name for folder in FOLDERS[1:] for file in (ROOT / folder).rglob("*")}
"""A file may be quoted by its name alone."""
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(r"`(?!/|RECRUIT_)([\w.-]+/[\w./-]*|[\w.-]+\.(?:py|yaml|toml|json|md|jinja|css|lock))`")
MODULE = re.compile(r"python -m ([\w.]+)")
CREATED_BY_READERS = {
    "dist/",
    "docker/.env",
    "docker/secrets",
    "docker/secrets/recruit_ui_operator_password",
    "recruit_assets/defs/assets/hourly_publisher_metrics.py",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_file_and_module_exists(page: Path) -> None:
    assert missing(page.read_text(encoding="utf-8"), folder=page.parent) == []


def test_what_does_not_exist_is_found() -> None:
    text = "[here](gone.md), [there](README.md#use-it), `stores/gone.py`, `gone.yaml`, `python -m recruit_assets.gone`"

    assert missing(text, folder=ROOT) == ["gone.md", "stores/gone.py", "gone.yaml", "recruit_assets.gone"]


def missing(text: str, *, folder: Path) -> list[str]:
    """The links, quoted paths and modules of a page in this folder that don't exist."""
    links = (link for link in LINK.findall(text) if not (folder / link).exists())
    paths = (path for path in PATH.findall(text) if not exists(path))
    modules = (module for module in MODULE.findall(text) if find_spec(module) is None)
    return list(chain(links, paths, modules))


def exists(path: str) -> bool:
    """Also true for a file that the page tells its reader to create."""
    return path in CREATED_BY_READERS | NAMES or any((ROOT / folder / path).exists() for folder in FOLDERS)
