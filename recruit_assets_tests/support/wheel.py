"""The wheel in an environment of its own, as somebody has it who installs it without the repository."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel in a new virtual environment in this folder; the folder of its programs.

    Its dependencies are those of this environment, whose own recruit_assets it doesn't see.
    """
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # .pth files of that folder, such as the one of an editable installation, aren't read
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return environment / "bin"


def run_installed(programs: Path, *command: str, folder: Path, timeout_s: float = 60) -> str:
    """What the program prints, started in this folder without the repository; CalledProcessError if it fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RECRUIT_", "DAGSTER_"))}
    if cache := os.environ.get("RECRUIT_CACHE_DIR"):
        own["RECRUIT_CACHE_DIR"] = cache
    name, *arguments = command
    done = subprocess.run(
        [str(programs / name), *arguments], cwd=folder, env=own, check=True, stdout=subprocess.PIPE, text=True,
        timeout=timeout_s,
    )  # fmt: skip
    return done.stdout
