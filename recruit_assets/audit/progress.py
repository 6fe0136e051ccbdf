"""How an audit tells a watcher how far it is. Not here: drawing it (`commands.audit`)."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""(what is read, how many so far, how many in all or 0 where nobody knows)."""


def unwatched(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""
