"""What the benchmarks' commands tell whoever runs them."""

from rich.console import Console

console = Console(width=120, highlight=False)


def echo(message: str) -> None:
    """A line of progress, as it is."""
    console.print(message, markup=False)
