"""`python -m recruit_assets.contract.published [FOLDER]` writes the published contract; default docs/contract.

At a release it is also written to docs/contract/released: the next version is compared with what is there.
"""

import sys
from pathlib import Path

from recruit_assets.contract.published.write import write_files

if __name__ == "__main__":
    write_files(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/contract"))
