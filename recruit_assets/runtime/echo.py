"""Messages for the person at the terminal, on stderr."""

from collections.abc import Callable

from rich.console import Console

from recruit_assets.runtime.foreign_text import printable

Echo = Callable[[str], object]
"""Takes one line."""

console = Console(stderr=True, soft_wrap=True)
"""The only console on stderr, so that lines and progress bars don't overwrite each other."""


def echo(line: str) -> None:
    """Print a line without rich's markup and colors; what it quotes of others can't control the terminal."""
    console.print(printable(line, keep="\n\t"), markup=False, highlight=False)


def silent(_: str) -> None:
    """An Echo that prints nothing."""
