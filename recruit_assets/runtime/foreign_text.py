"""Makes text that others wrote, such as a record's key, harmless where it is shown."""

from html import escape

MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|"})


def printable(text: str, *, keep: str = "") -> str:
    """The text with its control characters written as escapes, so that a terminal or a log can't obey them.

    Among them are line breaks, changes of the writing direction, and halves of characters; `keep` stays.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in keep else character.encode("unicode_escape").decode()
        for character in text
    )


def markdown(text: str) -> str:
    """The text as Markdown that shows it, in a line or a cell: no HTML, links or images."""
    return escape(printable(text), quote=False).translate(MARKDOWN)
