"""Runs a command of `recruit-assets` as a user would, with given settings."""

import os
import subprocess

from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets_tests.support.command import RECRUIT_ASSETS


def run_command(settings: Settings, *arguments: str) -> None:
    """Run `recruit-assets` with these arguments; CalledProcessError if it fails."""
    subprocess.run([*RECRUIT_ASSETS, *arguments], env={**os.environ, **as_environment(settings)}, check=True)
