"""The output of a forked run."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
from dagster._core.instance import InstanceRef
from dagster._core.storage.compute_log_manager import ComputeIOType

from recruit_assets.stores.dagster.compute_logs import QuietComputeLogManager, without_repetition

KEY = ["a_run", "compute_logs", "a_key"]
CAPTURE = """
import os, sys, psutil
from recruit_assets.stores.dagster.compute_logs import QuietComputeLogManager
with QuietComputeLogManager(sys.argv[1]).capture_logs(sys.argv[2:]):
    print("printed")
    os.write(2, b"written by a library")
    print(len(psutil.Process().children()), "processes")
print("afterwards")
"""


def test_output_goes_to_the_files_of_the_ui_without_further_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CAPTURE, str(tmp_path), *KEY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    manager = QuietComputeLogManager(str(tmp_path))
    found = manager.get_log_data(KEY)
    assert (found.stdout, found.stderr) == (b"printed\n0 processes\n", b"written by a library")
    assert (done.stdout, done.stderr) == ("afterwards\n", "")
    assert manager.is_capture_complete(KEY)
    assert manager.get_log_keys_for_log_key_prefix(KEY[:-1], ComputeIOType.STDOUT) == [KEY]


def test_a_forked_run_writes_where_the_ui_reads(tmp_path: Path) -> None:
    ref = InstanceRef.from_dir(str(tmp_path))
    with dg.DagsterInstance.from_ref(ref) as ui, dg.DagsterInstance.from_ref(without_repetition(ref)) as forked:
        assert isinstance(forked.compute_log_manager, QuietComputeLogManager)
        places = {one.compute_log_manager.get_log_metadata(KEY) for one in (ui, forked)}
        assert len(places) == 1


def test_another_place_for_the_output_stays(tmp_path: Path) -> None:
    elsewhere = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    ref = InstanceRef.from_dir(str(tmp_path), overrides={"compute_logs": elsewhere})

    assert without_repetition(ref) == ref
