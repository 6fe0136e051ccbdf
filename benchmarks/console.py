"""Output of the benchmarks' commands."""

from rich.console import Console

console = Console(width=120, highlight=False)


def echo(message: str) -> None:
    """Print a line of progress; brackets in it aren't markup."""
    console.print(message, markup=False)
