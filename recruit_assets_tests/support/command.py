"""The command line that runs `recruit-assets` with the current interpreter."""

import sys

RECRUIT_ASSETS = (sys.executable, "-c", "from recruit_assets.cli.main import main; main()")
"""Append the arguments. The console script isn't used, since it may belong to another installation."""
