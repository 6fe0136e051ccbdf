"""Which user agents are robots: the patterns of the package crawler-user-agents, as one regular expression.

Tried one after the other, its 1,500 patterns take Java 3 ms for a user agent. Nearly all of them are plain text, and as
a tree of their characters they take 0.1 ms.
"""

import json
import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

_FILE = ("crawleruseragents", "crawler-user-agents.json")
_PLAIN = re.compile(r"\\([^A-Za-z0-9])|([^\\^$.|?*+()\[\]{}])")
"""A character of a pattern that stands for itself."""


@cache
def robot_pattern() -> str:
    """Matches user agents of robots. For Python with re.ASCII, for Java with UNIX_LINES: otherwise $ and \\d differ."""
    patterns = robot_patterns()
    texts = {text for pattern in patterns if (text := plain_text(pattern)) is not None}
    others = [pattern for pattern in patterns if plain_text(pattern) is None]
    return "|".join([_tree(texts), *others])


def robot_patterns() -> list[str]:
    """The package's patterns, each a regular expression that is found anywhere in a user agent."""
    return [one["pattern"] for one in _robots()]


def robot_instances() -> list[str]:
    """The package's examples: user agents that robots were seen with."""
    return [ua for one in _robots() for ua in one.get("instances", [])]


def _robots() -> list[dict[str, Any]]:
    folder, name = _FILE
    found: list[dict[str, Any]] = json.loads(files(folder).joinpath(name).read_text(encoding="utf-8"))
    return found


def plain_text(pattern: str) -> str | None:
    """The only text that the pattern matches; None if there are others."""
    found = list(_PLAIN.finditer(pattern))
    return "".join(one[1] or one[2] for one in found) if "".join(one[0] for one in found) == pattern else None


def _tree(texts: Collection[str]) -> str:
    """A pattern of these texts that looks at each character once, and not once for each text."""
    if "" in texts:
        return ""
    branches: dict[str, list[str]] = {}
    for text in texts:
        branches.setdefault(text[0], []).append(text[1:])
    parts = [re.escape(first) + _tree(rest) for first, rest in sorted(branches.items())]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
