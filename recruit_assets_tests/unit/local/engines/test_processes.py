"""A process is identified by more than its pid."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from recruit_assets.local.engines.processes import ProcessRecord, identify, is_alive, read_record

NO_PID = 2**22 + 1
"""Above the kernel's maximum."""


def test_this_process_is_alive() -> None:
    assert is_alive(identify(os.getpid()))


def test_a_reused_pid_is_not_our_process() -> None:
    """Otherwise `stop` would kill another program."""
    reused = identify(os.getpid())

    assert not is_alive(replace(reused, start_ticks=reused.start_ticks - 1))


def test_a_record_from_before_a_reboot_is_no_process() -> None:
    assert not is_alive(replace(identify(os.getpid()), boot_id="another boot"))


def test_a_missing_process_is_not_alive() -> None:
    assert not is_alive(ProcessRecord(NO_PID, identify(os.getpid()).boot_id, 1))
    with pytest.raises(ProcessLookupError, match=f"no process {NO_PID}"):
        identify(NO_PID)


def test_a_written_record_can_be_read_and_is_private(tmp_path: Path) -> None:
    record = identify(os.getpid())
    record.write(tmp_path / "process.json")

    assert read_record(tmp_path / "process.json") == record
    assert (tmp_path / "process.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "null"])
def test_an_invalid_record_is_none(content: str, tmp_path: Path) -> None:
    file = tmp_path / "process.json"
    file.write_text(content)

    assert read_record(file) is None
    assert read_record(tmp_path / "absent.json") is None
