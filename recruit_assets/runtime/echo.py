"""Messages for the person at the terminal, on stderr."""

from collections.abc import Callable

from rich.console import Console

Echo = Callable[[str], object]
"""Takes one line."""

console = Console(stderr=True, soft_wrap=True)
"""The only console on stderr, so that lines and progress bars don't overwrite each other."""


def echo(line: str) -> None:
    """Print a line as it is, without rich's markup and colors."""
    console.print(line, markup=False, highlight=False)


def silent(_: str) -> None:
    """An Echo that prints nothing."""
