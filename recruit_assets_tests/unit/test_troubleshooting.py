"""docs/troubleshooting.md quotes messages that the program really has, and names checks that doctor really makes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import recruit_assets

PACKAGE = Path(recruit_assets.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGE = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
STATES = {"ok", "WARN", "FAIL", "skipped"}


def test_each_message_is_one_of_the_program() -> None:
    messages = [message for message in MESSAGE.findall(PAGE) if message not in STATES]

    assert len(messages) > 30
    assert missing(messages) == []


def test_a_message_that_the_program_does_not_have_is_found() -> None:
    assert missing(["it exploded", "port ... is in use by ..."]) == ["it exploded"]


def missing(messages: list[str]) -> list[str]:
    """The messages of which a part between `...` isn't in any text of the program."""
    texts = [text for file in PACKAGE.rglob("*.py") for text in texts_in(file.read_text(encoding="utf-8"))]
    return [one for one in messages if not all(any(part in text for text in texts) for part in one.split("..."))]


def texts_in(source: str) -> Iterator[str]:
    """The texts of the source, those of f-strings in parts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
