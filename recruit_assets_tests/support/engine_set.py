"""Runs engines that `LocalEngines` doesn't have: with logins and TLS (`secured`), or several nodes (`lost_nodes`)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recruit_assets.local.engines.engine import Engine
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.engine_set import stop_all
from recruit_assets.runtime.artifacts import fetch
from recruit_assets.runtime.settings import load_settings


@contextmanager
def running(engines: Sequence[Engine]) -> Iterator[list[EngineProcess]]:
    """Start all of them; stop them when the block ends."""
    processes = [EngineProcess(each) for each in engines]
    fetch([each.lock for each in engines], load_settings(), echo=print)
    try:
        for each in processes:
            each.spawn(print)
        for each in processes:
            each.wait_ready(print)
        yield processes
    finally:
        stop_all(processes, print)


def new_folder(parent: Path, name: str) -> Path:
    """An empty folder for one engine."""
    folder = parent / name
    folder.mkdir(parents=True)
    return folder
