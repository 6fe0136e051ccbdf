"""`recruit-assets` as a process of its own, by the interpreter that runs now. Not here: its environment, its end."""

import sys

RECRUIT_ASSETS = (sys.executable, "-c", "from recruit_assets.cli.main import main; main()")
"""To be followed by arguments. Not the console script, which may be another installation's."""
