"""The folders that we write to, their disks, and the result of the last audit in one of them."""

import os
from contextlib import nullcontext
from pathlib import Path

from recruit_assets.observability.audit.last_result import read_last_audit
from recruit_assets.observability.doctor.decisions import dagster
from recruit_assets.observability.doctor.decisions import machine as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict
from recruit_assets.runtime.files import is_writable_by_others
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, dagster_home


def files(settings: Settings) -> Subject[Settings]:
    return Subject("files", lambda: nullcontext(settings), CHECKS, independent=True)


def _folder(path: Path, name: str) -> Verdict:
    there = _nearest(path)
    return decisions.folder(
        path,
        exists=path == there,
        may_write=there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        others_may_write=path == there and is_writable_by_others(path),
        variable=name,
    )


def _disk(path: Path) -> Verdict:
    found = os.statvfs(_nearest(path))
    return decisions.disk(
        path, free_bytes=found.f_bavail * found.f_frsize, free_inodes=found.f_favail, inodes=found.f_files
    )


def _nearest(path: Path) -> Path:
    """The path, or the first above it that exists."""
    return next(each for each in (path, *path.parents) if os.path.lexists(each))


def _last_audit(settings: Settings) -> Verdict:
    return dagster.last_audit(read_last_audit(settings))


CHECKS: tuple[Check[Settings], ...] = (
    Check("state directory", lambda settings: _folder(settings.state_dir, variable("state_dir"))),
    Check("cache", lambda settings: _folder(settings.cache_dir, variable("cache_dir"))),
    Check("Dagster's home", lambda settings: _folder(dagster_home(settings), HOME_VARIABLE)),
    Check("disk of the state directory", lambda settings: _disk(settings.state_dir)),
    Check("disk of the cache", lambda settings: _disk(settings.cache_dir)),
    Check("disk of Dagster's home", lambda settings: _disk(dagster_home(settings))),
    Check("last audit", _last_audit),
)
