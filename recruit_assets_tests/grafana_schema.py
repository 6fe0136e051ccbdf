"""Part of `make check-grafana`: compiles the dashboards' JSON against Grafana's TypeScript types. Needs npm.

Each dashboard is assigned to the type Dashboard, each panel's options to the type of its kind. An unknown field or a
wrong type doesn't compile.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from recruit_assets_tests.support.grafana import dashboards

PACKAGES = ("@grafana/schema@13.2.3", "typescript@5.9.3")
PANELS = "@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x/{name}PanelCfg_types.gen"
NAMES = {"stat": "Stat", "timeseries": "TimeSeries", "bargauge": "BarGauge", "table": "Table"}
PLAIN = """
// JSON has plain values instead of enums, and leaves out what has a default
type Plain<T> = T extends string ? `${T}` : T extends object ? {[K in keyof T]: Plain<T[K]>} : T;
type Partly<T> = T extends string ? `${T}` : T extends (infer E)[] ? Partly<E>[]
  : T extends object ? {[K in keyof T]?: Partly<T[K]>} : T;
"""


def typescript() -> Iterator[str]:
    """A program that compiles if the dashboards fit Grafana's types."""
    yield "import type {Dashboard} from '@grafana/schema';"
    for kind, name in NAMES.items():
        yield f"import type {{Options as {name}}} from '{PANELS.format(kind=kind, name=name)}';"
    yield PLAIN
    for number, document in enumerate(dashboards()):
        yield f"export const dashboard{number}: Plain<Dashboard> = {json.dumps(document)};"
        for panel in document["panels"]:
            constant = f"options{number}_{panel['id']}"
            yield f"export const {constant}: Partly<{NAMES[panel['type']]}> = {json.dumps(panel['options'])};"


def main() -> int:
    """The exit code of tsc."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        subprocess.run(npm, cwd=folder, check=True, timeout=300)
        (folder / "dashboards.ts").write_text("\n".join(typescript()), encoding="utf-8")
        tsc = ["npx", "tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "dashboards.ts"]
        done = subprocess.run(tsc, cwd=folder, check=False, timeout=300)
    print(f"{len(dashboards())} dashboards " + ("don't fit" if done.returncode else "fit") + " Grafana's types")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
