"""Our own files and Dagster's storage after a power cut."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg

from recruit_assets.runtime.files import atomic_write
from recruit_assets_tests.power_loss.disk import Disk


def test_a_cut_keeps_what_was_synced_and_loses_what_was_not(disk: Disk) -> None:
    """Otherwise the other tests prove nothing."""
    for name in ("synced", "only written"):
        with (disk.path / name).open("w") as file:
            file.write("all of it")
            file.flush()
            if name == "synced":
                os.fsync(file.fileno())

    disk.cut()

    assert left(disk.path) == {"synced": "all of it", "only written": ""} or left(disk.path) == {"synced": "all of it"}


def test_a_state_file_is_whole_once_its_writer_returns(disk: Disk) -> None:
    atomic_write(disk.path / "new" / "ports.json", "first")
    atomic_write(disk.path / "replaced", "first")
    atomic_write(disk.path / "replaced", "second")

    disk.cut()

    assert left(disk.path / "new") == {"ports.json": "first"}
    assert (disk.path / "replaced").read_text() == "second"


STORE_AND_DIE = """
import os, signal, sys
import dagster as dg
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    for number in range(20):
        instance.add_dynamic_partitions("kept", [str(number)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_dagsters_storage_keeps_what_it_stored(disk: Disk) -> None:
    """SQLite syncs each transaction (WAL, synchronous=FULL). The writer is killed: closing would sync everything."""
    home = disk.path / "dagster"
    home.mkdir()
    writer = subprocess.run([sys.executable, "-c", STORE_AND_DIE, str(home)], check=False, timeout=60)
    assert writer.returncode == -signal.SIGKILL

    disk.cut()

    with dg.DagsterInstance.local_temp(str(home)) as instance:
        assert len(instance.get_dynamic_partitions("kept")) == 20


def left(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
