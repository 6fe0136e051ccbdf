"""Long sequences in parts, so that a statement or a transaction has a limited size."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar("Value")


def in_chunks(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """Lists of up to `size` values, in order; none of nothing. Holds one list at a time."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
