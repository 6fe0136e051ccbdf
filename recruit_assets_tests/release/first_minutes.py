"""`make first-minutes`: how long a new user waits for a report of the demo's data, and then of a CSV file.

It runs the commands of README.md and docs/import.md as they are written there, in a new clone of the newest commit. The
home is empty, so everything is downloaded. A command that fails ends it.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

REPOSITORY = Path(__file__).parents[2]
GUIDE = "docs/import.md"
OURS = ("RECRUIT_", "DAGSTER_", "XDG_", "PYTHON", "VIRTUAL_ENV", "MAKE")
"""What variables of somebody who has worked with this project begin with."""
EMPTY = "The report is empty"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home whose downloads are used, instead of an empty one")
    home = parser.parse_args().home
    with TemporaryDirectory(prefix="first-") as folder:
        clone = Path(folder, "recruit_assets")
        environment = a_new_users(home or Path(folder))
        try:
            measure(clone, environment)
        finally:
            subprocess.run(["make", "--silent", "clean"], cwd=clone, env=environment, check=False)


def measure(clone: Path, environment: Mapping[str, str]) -> None:
    """Run everything, and print the seconds of each command and of all until then."""
    started = monotonic()

    def step(command: str, folder: Path) -> None:
        began = monotonic()
        subprocess.run(["bash", "-c", command], cwd=folder, env=environment, check=True, stdout=sys.stderr)
        now = monotonic()
        sys.stdout.write(f"{now - began:7.1f} s {now - started:7.1f} s  {command}\n")
        sys.stdout.flush()

    step(f"git clone -q {REPOSITORY} {clone}", clone.parent)
    step("make install", clone)
    step("make demo", clone)
    in_the_clone, files = list(blocks((clone / GUIDE).read_text(encoding="utf-8")))[:2]
    activate, *commands = in_the_clone
    for command in [*files, *commands]:
        step(f"{activate} && {command}" if command in commands else command, clone)
    if EMPTY in (clone / "report.html").read_text(encoding="utf-8"):
        raise SystemExit("the report has no row of the file")


def a_new_users(home: Path) -> Mapping[str, str]:
    """The environment without what this project and its tools have set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | {"HOME": str(home)}


def blocks(page: str) -> Iterator[list[str]]:
    """The commands of each indented block."""
    for block in re.findall(r"(?:^    .+\n)+", page, re.MULTILINE):
        yield [line.strip() for line in block.splitlines()]


if __name__ == "__main__":
    main()
