"""The guides of docs/ as asset metadata. The UI shows the text itself, since a browser can't open a file's path."""

import re

import dagster as dg

from recruit_assets.stores.dagster.instance import REPOSITORY

RELATIVE_LINK = re.compile(r"\[([^]]*)\]\((?!https?:)[^)]*\)")


def guide(name: str) -> dg.MarkdownMetadataValue:
    """The guide's text; where the package is installed without its repository, the place to look for it.

    Links to other files of the repository become plain text, since they would lead nowhere.
    """
    file = REPOSITORY / "docs" / name
    text = file.read_text(encoding="utf-8") if file.is_file() else f"See `docs/{name}` in the repository."
    return dg.MetadataValue.md(RELATIVE_LINK.sub(r"\1", text))


FOR_OPERATORS = guide("operators.md")
FOR_ANALYSTS = guide("analysts.md")
