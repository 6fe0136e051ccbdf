"""An installation of a test's own, used by processes of their own, since a process has one set of settings."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.support.builders import as_bytes

RUN = """
import sys
from recruit_assets.cli.main import app
for command in sys.argv[1].split(";"):
    app(command.split(), standalone_mode=False)
"""
"""The commands in one process, which starts Spark once."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Its settings, and the folder that commands run in."""

    settings: Settings
    folder: Path

    def with_settings(self, **settings: str) -> Self:
        """The same stores seen by processes with these settings."""
        return replace(self, settings=Settings(**self.settings.model_dump() | settings))

    def run(self, *commands: str) -> str:
        """Standard output of `recruit-assets` with each of these commands; AssertionError if one fails."""
        done = subprocess.run(
            [sys.executable, "-c", RUN, ";".join(commands)],
            env=os.environ | as_environment(self.settings) | {"DAGSTER_HOME": str(self.folder / "dagster")},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    def send(self, *events: dict[str, object]) -> None:
        """Send the events to Kafka, acknowledged."""
        with open_publisher(self.settings) as publisher:
            publisher.send([as_bytes(event) for event in events])
            publisher.finish()

    def runs_of(self, table: str) -> list[tuple[object, ...]]:
        """Which run made each hour of a downstream table."""
        with open_report_database(self.settings) as database:
            return database.query(f"SELECT event_hour, run_id FROM {table}_hours ORDER BY event_hour")
