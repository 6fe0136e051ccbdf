"""`python -m recruit_assets.artifacts NAME ...`: have these locks' files in the cache, and print where each lies.

For images, which hold what they need before they start. Not here: fetching itself (`install`).
"""

import sys

from recruit_assets.artifacts.install import classpath
from recruit_assets.errors import UserError
from recruit_assets.settings import load_settings

if __name__ == "__main__":
    try:
        settings = load_settings()
        for path in [path for name in sys.argv[1:] for path in classpath(name, settings)]:
            sys.stdout.write(f"{path}\n")
    except UserError as error:
        sys.exit(str(error))
