"""Builds the files of a release. Two builds of a commit have the same bytes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from recruit_assets import __version__
from recruit_assets_tests.dependencies.__main__ import sbom
from recruit_assets_tests.dependencies.inventory import RUNTIME_LOCK, components
from recruit_assets_tests.release.source import commit_time_s, copy_tracked

CHECKSUMS = "SHA256SUMS"


def build_release(repository: Path, folder: Path) -> list[Path]:
    """Empty the folder and write wheel, locks, SBOM and SHA256SUMS into it; the paths of these files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheel = build_wheel(repository, folder)
    lock = Path(shutil.copyfile(repository / RUNTIME_LOCK, folder / RUNTIME_LOCK))
    inventory = folder / f"recruit_assets-{__version__}.cdx.json"
    inventory.write_text(json.dumps(sbom(components(repository, [RUNTIME_LOCK])), indent=1) + "\n", encoding="utf-8")
    files = [wheel, lock, inventory]
    checksums = folder / CHECKSUMS
    checksums.write_text(_checksums(files), encoding="utf-8")
    return [*files, checksums]


def build_wheel(repository: Path, folder: Path) -> Path:
    """The wheel of the tracked files, built without a download, in a copy in which nothing else can lie."""
    # otherwise the bytes would depend on the clock and the umask
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(commit_time_s(repository)), "PYTHONHASHSEED": "0"}
    with TemporaryDirectory() as copy:
        copy_tracked(repository, Path(copy))
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
        command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), copy]
        subprocess.run(command, env=environment, umask=0o022, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _checksums(files: Iterable[Path]) -> str:
    """As `sha256sum --check` reads them."""
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
