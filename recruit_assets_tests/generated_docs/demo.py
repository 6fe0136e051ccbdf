"""`python -m recruit_assets_tests.generated_docs.demo` runs the demo and draws its output as docs/pictures/demo.svg."""

import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from recruit_assets_tests.generated_docs.write import DOCS
from recruit_assets_tests.support.command import RECRUIT_ASSETS

PROMPT = "$ make demo"
SHOWN_AS = "~/recruit_assets/.recruit"
"""In place of the folder in which the demo ran."""
FONT = "ui-monospace, Menlo, Consolas, monospace"


def record() -> str:
    """What the demo prints, with the prompt; CalledProcessError if its audit isn't exact."""
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [*RECRUIT_ASSETS, "demo"],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return f"{PROMPT}\n{done.stdout.replace(str(Path(folder).resolve() / '.recruit'), SHOWN_AS)}"


def picture(transcript: str) -> str:
    """The lines as SVG, in the reader's own font."""
    lines = transcript.splitlines()
    console = Console(record=True, width=max(map(len, lines)), file=io.StringIO())
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    svg = console.export_svg(title="make demo", theme=DEFAULT_TERMINAL_THEME, unique_id="demo")
    before, _, after = svg.partition("@font-face")
    # without the fonts that rich would have the reader download
    return (before + after[after.index(".demo-matrix") :]).replace("Fira Code", FONT)


if __name__ == "__main__":
    text = record()
    sys.stdout.write(text)
    (DOCS / "pictures" / "demo.svg").write_text(picture(text), encoding="utf-8")
