"""The whole platform as a user starts it: `recruit-assets up`, on the benchmark's engines and with its own names."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines import BenchmarkEngines
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.stores.dagster.instance import HOME_VARIABLE
from recruit_assets_tests.support.command import RECRUIT_ASSETS

STOP_S = 120
LOG = "up.log"
FIRST_PORT, FIRST_METRICS_PORT = 3400, 9864


@dataclass(frozen=True, slots=True)
class Platform:
    """The running command and its log."""

    settings: Settings
    process: "subprocess.Popen[bytes]"
    log: Path

    def require_running(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"`up` ended with exit code {self.process.returncode}, see {self.log}")


@contextmanager
def running_platform(engines: BenchmarkEngines, settings: Settings, *, rate: float) -> Iterator[Platform]:
    """Run `up` with `rate` simulated events per second. It stops the engines when it ends; they are started again."""
    options = ["--rate", str(rate), "--port", str(FIRST_PORT), "--metrics-port", str(FIRST_METRICS_PORT)]
    command = [*RECRUIT_ASSETS, "up", *options]
    # without another DAGSTER_HOME, so that Dagster's storage is in the state directory
    environment = {**os.environ, **as_environment(settings)}
    environment.pop(HOME_VARIABLE, None)
    log = engines.state_dir / LOG
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield Platform(settings, process, log)
    finally:
        process.terminate()  # not SIGINT, which it ignores if a shell started the benchmark in the background
        process.wait(STOP_S)
        engines.start_engines()
