"""This machine: Python, Java, memory, and the clients' versions. No check needs a valid setting."""

import platform
import subprocess
import sys
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path

import psutil

import recruit_assets
from recruit_assets.observability.doctor.decisions import machine as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, ok
from recruit_assets.runtime.artifacts import java_home
from recruit_assets.runtime.artifacts.mariadb import require_platform
from recruit_assets.runtime.environment import require_short_tmpdir
from recruit_assets.stores.cassandra import batch_encoder
from recruit_assets.stores.dagster import compat as dagster
from recruit_assets.stores.kafka import compat as kafka
from recruit_assets.stores.mysql import compat as mysql
from recruit_assets.stores.spark import compat as spark
from recruit_assets.stores.spark.session import require_user_name

JAVA_TIMEOUT_S = 10
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""A container's memory limit, in the two versions of cgroups."""
CHECKED_WITH = (
    batch_encoder.CHECKED_WITH | dagster.CHECKED_WITH | kafka.CHECKED_WITH | mysql.CHECKED_WITH | spark.CHECKED_WITH
)


def machine(*, has_local_engines: bool) -> Subject[bool]:
    """The client is whether the engines run on this machine, which then must be able to."""
    return Subject("this machine", lambda: nullcontext(has_local_engines), CHECKS, independent=True)


def _python(_: bool) -> Verdict:
    wanted = metadata.metadata(recruit_assets.__name__)["Requires-Python"]
    return decisions.python_version(platform.python_version(), wanted)


def _clients(_: bool) -> Verdict:
    return decisions.clients({name: _installed(name) for name in CHECKED_WITH}, CHECKED_WITH)


def _installed(package: str) -> str:
    """Empty if it isn't installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _platform(has_local_engines: bool) -> Verdict:
    system, processor = sys.platform, platform.machine()
    if not has_local_engines:
        return decisions.not_local("the platform")
    require_platform(system, processor)
    return ok(f"{system} {processor}")


def _java(_: bool) -> Verdict:
    home = java_home()
    done = subprocess.run(
        [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False, timeout=JAVA_TIMEOUT_S
    )
    return decisions.java(home, done.returncode, done.stderr or done.stdout)


def _memory(has_local_engines: bool) -> Verdict:
    found = psutil.virtual_memory()
    total = min([found.total, *map(_limit, CGROUP_LIMITS)])
    return decisions.memory(total, min(found.available, total), has_local_engines=has_local_engines)


def _limit(file: Path) -> int:
    """The limit in such a file, without one the largest number."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such file; "max"
        return sys.maxsize


def _temporary_files(_: bool) -> Verdict:
    require_short_tmpdir()
    return ok("their folder's path is short enough for sockets")


def _user(_: bool) -> Verdict:
    require_user_name()
    return ok("the user has a name, which Spark needs")


CHECKS: tuple[Check[bool], ...] = (
    Check("Python", _python),
    Check("client versions", _clients),
    Check("Java", _java),
    Check("platform", _platform),
    Check("memory", _memory),
    Check("temporary files", _temporary_files),
    Check("user", _user),
)
