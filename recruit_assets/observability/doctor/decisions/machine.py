"""Rules of this machine: programs, memory, folders, disks."""

from collections.abc import Mapping
from pathlib import Path

from packaging.specifiers import SpecifierSet

from recruit_assets.observability.doctor.verdict import Verdict, fail, ok, skipped, warn
from recruit_assets.runtime.artifacts.install import SPARE_BYTES

GIB = 1024**3
ENGINES_BYTES = 7 * GIB // 2
"""The heaps of the local engines and MariaDB's buffers may grow to 3.3 GiB together. The rest comes on top."""
FREE_MEMORY_BYTES = GIB // 2
"""With less, the kernel may kill a process when the next run begins."""
LOW_DISK_BYTES = 2 * GIB
"""Leaves time to make room before engines stop."""
LOW_INODES = 0.02
INSTALL = "run `make install`, which installs the locked versions"


def python_version(found: str, wanted: str) -> Verdict:
    """`wanted` is a specifier, such as >=3.11,<3.13."""
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return ok(f"Python {found}")
    return fail(f"Python {found}, but wanted is {wanted}", "make the virtual environment anew with such a Python")


def clients(installed: Mapping[str, str], checked_with: Mapping[str, str]) -> Verdict:
    """Our use of private API was checked with one version of each client."""
    wrong = [
        f"{name} {installed.get(name) or 'is missing'}, checked with {version}"
        for name, version in checked_with.items()
        if installed.get(name) != version
    ]
    if wrong:
        return warn("; ".join(wrong), INSTALL)
    return ok(f"the {len(checked_with)} clients have the versions that were checked")


def java(home: Path, code: int, output: str) -> Verdict:
    """`output` is what `java -version` printed."""
    first = next(iter(output.splitlines()), "nothing")
    if code == 0:
        return ok(f"{first}, in {home}")
    return fail(f"the Java in {home} doesn't run: {first}", "unset JAVA_HOME, or install Java 17 there")


def memory(total_bytes: int, available_bytes: int, *, has_local_engines: bool) -> Verdict:
    """`total_bytes` is the container's limit if that is lower than the machine's memory."""
    found = f"{total_bytes / GIB:.1f} GiB, {available_bytes / GIB:.1f} available"
    if has_local_engines and total_bytes < ENGINES_BYTES:
        return fail(
            f"{found}; the local engines need {ENGINES_BYTES / GIB:.1f} GiB",
            "use a larger machine, or set RECRUIT_* to engines elsewhere",
        )
    if available_bytes < min(FREE_MEMORY_BYTES, total_bytes // 2):  # a container may be meant to be small
        return warn(
            f"{found}; a run needs {FREE_MEMORY_BYTES / GIB:.1f} GiB",
            "end other programs, or the kernel may kill an engine",
        )
    return ok(found)


def folder(path: Path, *, exists: bool, may_write: bool, others_may_write: bool, variable: str) -> Verdict:
    """A folder that we write to. `may_write` is about the nearest existing folder above one that doesn't exist."""
    if not may_write:
        return fail(
            f"this user can't write to {path}", f"change its owner or mode, or set {variable} to another folder"
        )
    if others_may_write:
        return warn(
            f"others can write to {path}, and so change our programs or data",
            f"run `chmod go-w {path}`, or set {variable} to another folder",
        )
    return ok(f"{path} {'can be written' if exists else 'can be created'}")


def disk(path: Path, *, free_bytes: int, free_inodes: int, inodes: int) -> Verdict:
    """The disk of a folder; `inodes` is 0 on a file system that has no fixed number of them."""
    found = f"{free_bytes / 1e9:.1f} GB free on the disk of {path}"
    if free_bytes < SPARE_BYTES:
        return fail(found, "make room at once: engines stop when they can't write")
    if free_bytes < LOW_DISK_BYTES:
        return warn(found, "make room, or move the folder to another disk")
    if inodes and free_inodes < LOW_INODES * inodes:
        return warn(
            f"only {free_inodes:,} of {inodes:,} files can still be made on the disk of {path}",
            "remove small files: the disk is full when none is left, whatever its free space",
        )
    return ok(found)


def not_local(what: str) -> Verdict:
    return skipped(f"{what} matters to the local engines only, and the settings name others")
