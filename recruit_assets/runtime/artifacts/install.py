"""The artifact cache, shared by all clones of a user. One process fills it at a time; others wait.

A file is moved into the cache only after its hash was checked, so every file in the cache is complete.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from recruit_assets.runtime.artifacts.download import Advance, Source, download
from recruit_assets.runtime.artifacts.lockfile import LockedArtifact, read_lock
from recruit_assets.runtime.artifacts.repositories import http_session, repositories
from recruit_assets.runtime.echo import Echo, console
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import is_writable_by_others, locked
from recruit_assets.runtime.settings import Settings

log = logging.getLogger(__name__)

DOWNLOADS_AT_ONCE = 8
SPARE_BYTES = 200 * 1024 * 1024
"""Disk space that must be left after a download."""
COLUMNS = (TextColumn("downloading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())


def classpath(name: str, settings: Settings, *, echo: Echo = log.info) -> tuple[Path, ...]:
    """The jars of a lock in their order, downloaded if they aren't in the cache yet.

    UserError if a download fails or the disk is full, Inconsistent if a file's hash is wrong.
    """
    return install(read_lock(name), settings.cache_dir, echo=echo)


def fetch(names: Iterable[str], settings: Settings, *, echo: Echo = log.info) -> None:
    """Download the artifacts of several locks into the cache, with one progress bar."""
    install([artifact for name in names for artifact in read_lock(name)], settings.cache_dir, echo=echo)


def user_source() -> Source:
    """The repositories of the user's settings."""
    return Source(http_session(DOWNLOADS_AT_ONCE), repositories())


def install(
    artifacts: Iterable[LockedArtifact],
    cache: Path,
    *,
    echo: Echo = log.info,
    open_source: Callable[[], Source] = user_source,
) -> tuple[Path, ...]:
    """The artifacts' paths in the cache. Missing files, and files of the wrong size, are downloaded.

    UserError if another user could have changed one: they are programs, and run as this user.
    """
    wanted = {artifact: cache / "maven" / artifact.path for artifact in artifacts}
    require_private(wanted.values(), cache)
    if _missing(wanted):
        with cache_lock(cache, echo=echo):
            missing = _missing(wanted)
            if missing:
                _sweep(cache, echo=echo)
                _download_all(missing, cache, open_source(), echo=echo)
    return tuple(wanted.values())


@contextmanager
def cache_lock(cache: Path, *, echo: Echo) -> Iterator[None]:
    """Lets one process change the cache at a time; prints a line if it must wait."""
    try:
        (cache / "partial").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"can't write to the cache {cache}: {error}. Set RECRUIT_CACHE_DIR to another folder"
        ) from error
    with locked(cache / ".lock", lambda: echo(f"waiting for another process that downloads to {cache}")):
        yield


def require_private(files: Iterable[Path], cache: Path) -> None:
    """UserError if a user other than this one and root can write to one of the files, or to a folder on the way."""
    for place in sorted({place for file in files for place in (file, *file.parents) if place.is_relative_to(cache)}):
        if place.exists() and is_writable_by_others(place):
            raise UserError(
                f"{place} is another user's, or others can write to it, so they could change the engines' programs. "
                "Change its owner and mode (`chmod go-w`), or set RECRUIT_CACHE_DIR to another folder"
            )


def require_space(folder: Path, size_bytes: int, what: str) -> None:
    """UserError unless the disk of the folder has room for this size and SPARE_BYTES."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes + SPARE_BYTES:
        needed = (size_bytes + SPARE_BYTES) // 1_000_000
        raise UserError(
            f"not enough disk space: {what} needs {needed} MB in {folder}, reserve included; {free // 1_000_000} MB "
            "are free. Make room, or set RECRUIT_CACHE_DIR and RECRUIT_STATE_DIR to another disk"
        )


def _missing(wanted: Mapping[LockedArtifact, Path]) -> dict[LockedArtifact, Path]:
    """Those without a file of the right size. Hashes are checked only when a file enters the cache."""
    return {
        artifact: path
        for artifact, path in wanted.items()
        if not path.is_file() or path.stat().st_size != artifact.size_bytes
    }


def _sweep(cache: Path, *, echo: Echo) -> None:
    """Remove incomplete files of an interrupted download; the caller holds the lock."""
    leftovers = list((cache / "partial").iterdir())
    for leftover in leftovers:
        shutil.rmtree(leftover)
    if leftovers:
        echo("removed incomplete files of an earlier download; its complete files are kept")


def _download_all(missing: Mapping[LockedArtifact, Path], cache: Path, source: Source, *, echo: Echo) -> None:
    total = sum(artifact.size_bytes for artifact in missing)
    require_space(cache, total, f"a download of {len(missing)} files")
    echo(f"downloading {len(missing)} files, {total / 1e6:.0f} MB, into {cache}")
    stopped = threading.Event()
    with (
        TemporaryDirectory(dir=cache / "partial") as folder,
        source.session,
        _progress_bar(total) as advance,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):

        def count(size: int) -> None:
            if stopped.is_set():
                raise InterruptedError("another download failed")
            advance(size)

        def bring(artifact: LockedArtifact) -> None:
            partial, target = Path(folder, artifact.file_name), missing[artifact]
            download(artifact, partial, source=source, advance=count)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(target)

        # the largest first: otherwise one of them may run alone at the end
        downloads = [pool.submit(bring, each) for each in sorted(missing, key=lambda each: -each.size_bytes)]
        try:
            for done in as_completed(downloads):
                done.result()
        except BaseException as error:  # Ctrl-C too: no thread may keep the process waiting
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, OSError):
                raise UserError(f"can't write the download to {cache}: {error}") from error
            raise


@contextmanager
def _progress_bar(total: int) -> Iterator[Advance]:
    """A bar on a terminal, else nothing."""
    with Progress(*COLUMNS, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda size: progress.update(task, advance=size)
