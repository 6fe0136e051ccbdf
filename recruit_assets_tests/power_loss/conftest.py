"""Disks that lose power, below the test's own folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from recruit_assets_tests.power_loss.disk import Disk


@pytest.fixture
def new_disk(tmp_path: Path) -> Iterator[Callable[[], Disk]]:
    """Make a disk; unmounts them all at the end."""
    with ExitStack() as stack:
        disks: list[Disk] = []

        def made() -> Disk:
            disks.append(Disk(tmp_path / f"disk-{len(disks)}"))
            stack.callback(disks[-1].close)
            return disks[-1]

        yield made


@pytest.fixture
def disk(new_disk: Callable[[], Disk]) -> Disk:
    return new_disk()
