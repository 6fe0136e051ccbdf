"""`python -m recruit_assets.observability.dashboards [FOLDER]` writes Grafana's JSON files; default docker/grafana."""

import sys
from pathlib import Path

from recruit_assets.observability.dashboards.write import write_files

if __name__ == "__main__":
    write_files(Path(sys.argv[1] if len(sys.argv) > 1 else "docker/grafana"))
