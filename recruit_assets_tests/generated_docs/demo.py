"""`python -m recruit_assets_tests.generated_docs.demo` runs the demo and draws its output as docs/pictures/demo.svg."""

import io
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from recruit_assets.observability.audit.table import FILE_WIDTH
from recruit_assets_tests.generated_docs.write import DOCS
from recruit_assets_tests.support.command import RECRUIT_ASSETS

PROMPT = "$ make demo"
SHOWN_AS = "~/recruit_assets/.recruit"
"""In place of the folder in which the demo ran."""
ACTIVATE = ".venv/bin/activate"
"""In place of its full path."""
FONT = "ui-monospace, Menlo, Consolas, monospace"


def record() -> str:
    """What the demo prints, with the prompt; CalledProcessError if its audit isn't exact."""
    with TemporaryDirectory() as folder:
        state_dir = Path(folder).resolve() / ".recruit"
        environment = os.environ | {"RECRUIT_STATE_DIR": str(state_dir)}
        command = [*RECRUIT_ASSETS, "demo"]
        done = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        activate = f"{sys.prefix}/bin/activate"
        shown = done.stdout.replace(str(state_dir), SHOWN_AS).replace(activate, ACTIVATE.ljust(len(activate)))
        return f"{PROMPT}\n{shown}"


def picture(transcript: str) -> str:
    """The lines as SVG, in the reader's own font."""
    console = Console(record=True, width=FILE_WIDTH, file=io.StringIO())
    for line in transcript.splitlines():
        console.print(line.rstrip(), markup=False, highlight=False)
    svg = console.export_svg(title="make demo", theme=DEFAULT_TERMINAL_THEME, unique_id="demo")
    before, _, after = svg.partition("@font-face")
    # without the fonts that rich would have the reader download
    return (before + after[after.index(".demo-matrix") :]).replace("Fira Code", FONT)


if __name__ == "__main__":
    text = record()
    sys.stdout.write(text)
    (DOCS / "pictures" / "demo.svg").write_text(picture(text), encoding="utf-8")
