"""The generated files of docs/. The recording of the demo isn't among them: it needs the engines (`demo.py`)."""

from collections.abc import Mapping
from pathlib import Path

from recruit_assets_tests.generated_docs.configuration import configuration_page
from recruit_assets_tests.generated_docs.lineage import lineage_picture

DOCS = Path(__file__).parents[2] / "docs"


def texts() -> Mapping[str, str]:
    """Each file's text by its path in docs."""
    return {"configuration.md": configuration_page(), "pictures/lineage.svg": lineage_picture()}


def write_files() -> None:
    for name, text in texts().items():
        (DOCS / name).write_text(text, encoding="utf-8")
