"""The mutation run (`make mutation`): changes of the code in `transforms` and `hours` that no test notices.

mutmut makes one small change at a time, a mutant, and runs the tests that reach it; pyproject.toml names the tests. A
mutant is killed if one fails or doesn't end. Exit code 1 if fewer than 90 % are. `mutmut show NAME` prints a mutant.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.conftest import RUNNING_ENGINES

MUTMUT = Path(sys.executable).with_name("mutmut")
REQUIRED = 0.9
KILLED = ("killed", "timeout")


def main() -> int:
    shutil.rmtree("mutants", ignore_errors=True)  # mutmut keeps the result of a mutant, though its tests have changed
    if running := os.environ.get(RUNNING_ENGINES):
        statuses = _run(Path(running))
    else:
        with tempfile.TemporaryDirectory(prefix="recruit-mutation-") as folder:
            statuses = _run_on_own_spark(Path(folder))
    return _report(statuses)


def _run_on_own_spark(folder: Path) -> dict[str, str]:
    engines = LocalEngines(load_settings(state_dir=folder), short_lived=True)
    engines.start_one(EngineName.SPARK)
    try:
        return _run(folder)
    finally:
        engines.stop()


def _run(engines_dir: Path) -> dict[str, str]:
    """The status of each mutant."""
    # one at a time: the tests of all mutants share a connection to Spark
    subprocess.run(
        [MUTMUT, "run", "--max-children", "1"], env=os.environ | {RUNNING_ENGINES: str(engines_dir)}, check=True
    )
    listed = subprocess.run([MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True)
    return dict(line.strip().split(": ") for line in listed.stdout.splitlines())


def _report(statuses: dict[str, str]) -> int:
    """Print the survivors and the counts per module."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, status in statuses.items():
        for group in (name.rpartition(".")[0], "total"):
            counts[group]["killed" if status in KILLED else status] += 1
    print(*(f"{name}: {status}" for name, status in statuses.items() if status not in KILLED), sep="\n")
    for group, found in sorted(counts.items()):
        print(
            f"{group}: {found['killed']} of {found.total()} killed ({found['killed'] / found.total():.1%}), "
            f"{found['survived']} survived, {found['no tests']} without tests"
        )
    return 0 if counts["total"]["killed"] >= REQUIRED * counts["total"].total() else 1


if __name__ == "__main__":
    sys.exit(main())
