"""Fetches what a lock lists into the cache, checks every file's SHA-256, and gives the class path.

A file is downloaded beside the cache's content and moved in when its hash is right, so what lies in the cache is whole.
One process downloads at a time, others wait and find it done. Not here: repositories (`repositories`), what is listed
(`lockfile`).
"""

import hashlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import requests
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from recruit_assets.artifacts.lockfile import LockedArtifact, read_lock
from recruit_assets.artifacts.repositories import certificates, maven_context
from recruit_assets.errors import Inconsistent, UserError
from recruit_assets.settings import Settings

log = logging.getLogger(__name__)

Say = Callable[[str], None]
Advance = Callable[[int], None]

DOWNLOADS_AT_ONCE = 8
TRIES = 4
SPARE_BYTES = 200 * 1024 * 1024
"""Disk that must be left after a download."""


def classpath(name: str, settings: Settings, *, say: Say = log.info) -> tuple[Path, ...]:
    """The jars of a lock, in order, downloaded where they aren't in the cache yet.

    Raises UserError when a download fails or the disk is full, Inconsistent when a file isn't what the lock says.
    """
    return install(read_lock(name), settings.cache_dir, say=say)


def install(artifacts: Iterable[LockedArtifact], cache: Path, *, say: Say = log.info) -> tuple[Path, ...]:
    """The artifacts' paths in the cache; those that are missing or of another size are downloaded."""
    wanted = {artifact: cache / "maven" / artifact.path for artifact in artifacts}
    if _missing(wanted):
        with cache_lock(cache, say=say):
            missing = _missing(wanted)
            if missing:
                _sweep(cache, say=say)
                _download_all(missing, cache, say=say)
    return tuple(wanted.values())


@contextmanager
def cache_lock(cache: Path, *, say: Say) -> Iterator[None]:
    """Only one process changes the cache at a time; says so when it must wait."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"another process is filling {cache}; waiting for it")
            lock.acquire()
    except OSError as error:
        raise UserError(f"the cache {cache} can't be written: {error}. Set RECRUIT_CACHE_DIR to another place") from error
    try:
        yield
    finally:
        lock.release()


def require_space(folder: Path, size_bytes: int, what: str) -> None:
    """UserError unless the disk of an existing folder has that much and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes + SPARE_BYTES:
        needed = (size_bytes + SPARE_BYTES) // 1_000_000
        raise UserError(
            f"{what} need {needed} MB in {folder}, whose disk has {free // 1_000_000} MB left: make room, "
            "or set RECRUIT_CACHE_DIR and RECRUIT_STATE_DIR to another disk"
        )


def _missing(wanted: dict[LockedArtifact, Path]) -> dict[LockedArtifact, Path]:
    """Those without a file of the right size; hashes are compared when a file enters the cache."""
    return {
        artifact: path
        for artifact, path in wanted.items()
        if not path.is_file() or path.stat().st_size != artifact.size_bytes
    }


def _sweep(cache: Path, *, say: Say) -> None:
    """Remove what an interrupted download left; the lock is held, so nobody is writing there."""
    leftovers = list((cache / "partial").glob("*"))
    for leftover in leftovers:
        shutil.rmtree(leftover)
    if leftovers:
        say("an earlier download didn't finish; its incomplete files were removed, the complete ones are kept")


def _download_all(missing: dict[LockedArtifact, Path], cache: Path, *, say: Say) -> None:
    total = sum(artifact.size_bytes for artifact in missing)
    require_space(cache, total, f"{len(missing)} downloads")
    say(f"downloading {len(missing)} files, {total / 1e6:.0f} MB, into {cache}")
    (cache / "partial").mkdir(exist_ok=True)
    stopped = threading.Event()
    with (
        TemporaryDirectory(dir=cache / "partial") as folder,
        certificates(),
        _progress_bar(total) as advance,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):

        def count(size: int) -> None:
            if stopped.is_set():
                raise InterruptedError("the download was stopped")
            advance(size)

        # the largest first, so that none is left running alone at the end
        ordered = sorted(missing, key=lambda artifact: -artifact.size_bytes)
        downloads = [pool.submit(_download, each, missing[each], Path(folder), count) for each in ordered]
        try:
            for download in as_completed(downloads):
                download.result()
        except BaseException:  # Ctrl-C as well: no thread may hold the process up
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(artifact: LockedArtifact, target: Path, folder: Path, count: Advance) -> None:
    """Fetch one file and move it into the cache if it is what the lock says."""
    tries = Retrying(
        retry=retry_if_exception_type((requests.RequestException, RuntimeError)),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.5, max=10),
        reraise=True,
    )
    try:
        fetched: Path = tries(_fetch, artifact, folder, count)
    except (requests.RequestException, RuntimeError) as error:
        raise UserError(
            f"{artifact} couldn't be downloaded: {error}. Check the network, proxy and Maven mirror; "
            "what is complete is kept, so just run it again"
        ) from error
    except OSError as error:
        raise UserError(f"{artifact} couldn't be stored in {folder.parent.parent}: {error}") from error
    verify(fetched, artifact)
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)


def _fetch(artifact: LockedArtifact, folder: Path, count: Advance) -> Path:
    """One try, in a folder of its own: jgo refuses to write over what a failed try left."""

    @contextmanager
    def progress(_name: str, _size: int) -> Iterator[Advance]:
        yield count

    context = maven_context(Path(mkdtemp(dir=folder)), progress)
    component = context.project(artifact.group, artifact.artifact).at_version(artifact.version)
    return component.artifact(artifact.classifier).resolve()


def verify(path: Path, artifact: LockedArtifact) -> None:
    """Inconsistent unless the file's SHA-256 is the lock's."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artifact.sha256:
        raise Inconsistent(
            f"{artifact} isn't the file that the lock names: its SHA-256 is {found}, the lock says {artifact.sha256}. "
            "It was not used; whatever served it (a mirror or a proxy) can't be trusted"
        )


@contextmanager
def _progress_bar(total: int) -> Iterator[Advance]:
    """A bar where a person watches stderr, else nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("downloading", total=total)
        yield lambda size: progress.update(task, advance=size)
