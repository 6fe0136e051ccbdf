"""The whole platform as a user starts it: `recruit-assets up`, with the arena's engines and a benchmark's own names.

Belongs here: starting and stopping that command. Not here: what is measured while it runs.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arena import Arena
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.stores.dagster.instance import HOME_VARIABLE
from recruit_assets_tests.support.command import RECRUIT_ASSETS

STOP_S = 120
LOG = "up.log"
FIRST_PORT, FIRST_METRICS_PORT = 3400, 9864


@dataclass(frozen=True, slots=True)
class Platform:
    """What runs, and where its log lies."""

    settings: Settings
    process: "subprocess.Popen[bytes]"
    log: Path

    def require_running(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"`up` ended with exit code {self.process.returncode}, see {self.log}")


@contextmanager
def running_platform(arena: Arena, settings: Settings, *, rate: float) -> Iterator[Platform]:
    """`up` with a simulator of so many events a second. It stops the engines with itself; they are started again."""
    options = ["--rate", str(rate), "--port", str(FIRST_PORT), "--metrics-port", str(FIRST_METRICS_PORT)]
    command = [*RECRUIT_ASSETS, "up", *options]
    # without a home of another instance: Dagster's storage lies in the state directory, too
    environment = {**os.environ, **as_environment(settings)}
    environment.pop(HOME_VARIABLE, None)
    log = arena.state_dir / LOG
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield Platform(settings, process, log)
    finally:
        process.terminate()  # a shell's background jobs ignore SIGINT, and so would it
        process.wait(STOP_S)
        arena.start_engines()
