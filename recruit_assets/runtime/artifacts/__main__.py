"""`python -m recruit_assets.runtime.artifacts NAME ...`: download the files of these locks and print their paths.

Used when container images are built.
"""

import sys

from recruit_assets.runtime.artifacts.install import classpath
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings

if __name__ == "__main__":
    try:
        settings = load_settings()
        for path in [path for name in sys.argv[1:] for path in classpath(name, settings)]:
            sys.stdout.write(f"{path}\n")
    except UserError as error:
        sys.exit(str(error))
