"""`make audit-deps`: fails if a component has a known vulnerability that accepted.toml doesn't accept with a reason.

`--update PyPI.zip Maven.zip` first renews advisories.json from OSV's exports (docs/developers.md).
`--sbom FILE` writes the components as a CycloneDX document, `--notices` writes THIRD_PARTY_NOTICES.md.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from recruit_assets import __version__
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.dependencies.advisories import Finding, findings, read_advisories, update
from recruit_assets_tests.dependencies.inventory import Component, components
from recruit_assets_tests.dependencies.notices import FILE, notices

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parents[1]
ADVISORIES, ACCEPTED = FOLDER / "advisories.json", FOLDER / "accepted.toml"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make audit-deps", description=__doc__)
    parser.add_argument("--update", nargs="+", type=Path, default=[], metavar="ZIP", help="exports of OSV to read")
    parser.add_argument("--sbom", type=Path, help="write the components here, as CycloneDX JSON")
    parser.add_argument("--notices", action="store_true", help=f"write {FILE}, and check nothing")
    wanted = parser.parse_args(arguments)
    if wanted.notices:
        (REPOSITORY / FILE).write_text(notices(REPOSITORY, load_settings()), encoding="utf-8")
        return 0
    found = components(REPOSITORY)
    if wanted.update:
        renewed = json.dumps(update(wanted.update, found), indent=1, sort_keys=True)
        ADVISORIES.write_text(renewed + "\n", encoding="utf-8")
    if wanted.sbom:
        wanted.sbom.write_text(json.dumps(sbom(found), indent=1) + "\n", encoding="utf-8")
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))
    return report(findings(found, read_advisories(ADVISORIES)), accepted, count=len(found))


def report(found: Sequence[Finding], accepted: dict[str, str], *, count: int) -> int:
    """Print the findings; 1 if one isn't accepted, or if something is accepted that isn't found."""
    table = Table("component", "advisory", "what", "fixed in", "accepted because", box=None)
    for one in found:
        name = f"{one.component.name} {one.component.version}"
        table.add_row(
            name, one.advisory, one.summary, one.fixed_in, accepted.get(one.advisory, "[red]not accepted[/red]")
        )
    console = Console()
    console.print(table)
    open_ones = sorted({one.advisory for one in found} - accepted.keys())
    stale = sorted(accepted.keys() - {one.advisory for one in found})
    console.print(f"{count} components, {len(found)} findings, not accepted: {', '.join(open_ones) or 'none'}")
    if stale:
        console.print(f"accepted.toml accepts what isn't found any more: {', '.join(stale)}")
    return 1 if open_ones or stale else 0


def sbom(found: Sequence[Component]) -> dict[str, object]:
    """The components as CycloneDX 1.6 (cyclonedx.org/docs/1.6/json)."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "recruit_assets", "version": __version__}},
        "components": [
            {
                "type": "library",
                "bom-ref": f"{one.ecosystem}:{one.purl}",
                "name": one.name,
                "version": one.version,
                "purl": one.purl,
            }
            for one in found
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
