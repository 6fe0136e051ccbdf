"""A disk that loses power: an ext4 in a file, of which only what reached the block device is left.

Needs root, for the loop device. The journal is written only when a program asks for it (commit=3600), and the kernel
itself writes what is older than 30 s, so a cut must come within 30 s of the writes that it is to lose.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from recruit_assets.local.engines.engine_process import EngineProcess

SIZE_BYTES = 4 * 1024**3
"""Sparse: it takes what is written."""


class Disk:
    """Mounted at `path`. `UNSYNCED`, written just before a cut and never synced, shows that the cut loses something."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.path = folder / "mounted"
        self._device = folder / "device"
        self.path.mkdir()
        self._device.touch()
        os.truncate(self._device, SIZE_BYTES)
        # without "lazy", which lets the kernel write to the disk in the background
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self._device))
        self._mount()

    def cut(self, engines: Sequence[EngineProcess] = ()) -> None:
        """Cut the power of the disk and its engines; afterwards the disk is mounted again, as after a boot."""
        unsynced = self.path / "unsynced"
        unsynced.write_text("lost")
        # once they are dead they can write nothing, so what has reached the block device no longer changes
        for engine in engines:
            engine.kill()
        left = self._device.with_name("left")
        run("cp", "--sparse=always", str(self._device), str(left))
        run("umount", str(self.path))
        left.replace(self._device)
        self._mount()
        assert not unsynced.exists() or unsynced.read_text() == "", "the disk lost nothing, so this test proves nothing"

    def close(self) -> None:
        run("umount", str(self.path))
        self._device.unlink()

    def _mount(self) -> None:
        run("mount", "-o", "loop,commit=3600", str(self._device), str(self.path))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
