"""A disk that loses power: an ext4 in a file, of which only what reached the block device is left.

Needs root, for the loop device. The journal is written only when a program asks for it (commit=3600), and the kernel
itself writes what is older than 30 s, so a cut must come within 30 s of the writes that it is to lose.
"""

import os
import subprocess
from pathlib import Path

SIZE_BYTES = 4 * 1024**3
"""Sparse: it takes what is written."""


class Disk:
    """Mounted at `path`. Each cut shows that it loses what isn't synced."""

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

    def cut(self) -> None:
        """Cut its power and mount it again, as after a boot. Its programs must be dead: they can't be stopped here."""
        unsynced = self.path / "unsynced"
        unsynced.write_text("lost")
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
