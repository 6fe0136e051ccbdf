"""`python -m recruit_assets.dashboards [FOLDER]` writes the JSON files of Grafana's folder, docker/grafana if none."""

import sys
from pathlib import Path

from recruit_assets.dashboards.files import write_files

if __name__ == "__main__":
    write_files(Path(sys.argv[1] if len(sys.argv) > 1 else "docker/grafana"))
