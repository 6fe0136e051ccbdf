"""Runs a command of `recruit-assets` as a user would, with given settings."""

import os
import subprocess
import sys

from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets_tests.support.command import RECRUIT_ASSETS


def run_command(settings: Settings, *arguments: str) -> str:
    """Run `recruit-assets` with these arguments; returns its messages. CalledProcessError if it fails."""
    environment = {**os.environ, **as_environment(settings)}
    done = subprocess.run(
        [*RECRUIT_ASSETS, *arguments], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    sys.stderr.write(done.stderr)
    done.check_returncode()
    return done.stderr
