"""`recruit-assets backup` and `restore`: what the stopped local engines of a state directory store, in one file.

Another machine needs no more to go on. What a start makes anew isn't in it: ports, logs, Spark's folder.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from recruit_assets.local import UP_LOCK
from recruit_assets.local.archive import Header, pack, unpack
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.artifacts.install import require_space
from recruit_assets.runtime.artifacts.lockfile import read_lock
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import only_one, private_folder
from recruit_assets.runtime.settings import STORE_ADDRESSES, Settings, as_environment, variable
from recruit_assets.runtime.signals import defer_signals
from recruit_assets.stores.dagster.instance import CONFIG_FILE, HOME_VARIABLE, is_our_config

FORMAT = 1
STORES = (EngineName.KAFKA, EngineName.CASSANDRA, EngineName.MARIADB)
ENGINES, DAGSTER = "engines", "dagster"
MADE_ANEW = frozenset({"log", "log.previous", "process.json", "stdin", "tmp"})
"""In an engine's folder. Its configuration is written anew too, but that is small."""
PARTIAL, LOCK = "restore.partial", "restore.lock"
NO_DATA = frozenset({PARTIAL, LOCK, "lost+found"})
"""What an empty state directory may contain."""
SAME_SETTINGS = (
    "kafka_topic",
    "kafka_group",
    "cassandra_keyspace",
    "mysql_database",
    "first_hour",
    "retention_days",
    "privacy",
    "privacy_names",
    "max_event_bytes",
    "timezone",
    "report_timezone",
    "attribution",
    "attribution_dl",
)
"""An installation that goes on elsewhere needs the same values of these, and the same privacy_key, a secret."""

Progress = Callable[[str, int, int], object]
"""Takes a name, what is done, and the total."""


def back_up(settings: Settings, file: Path, *, echo: Echo, progress: Progress) -> None:
    """Write the backup; UserError, and no file, if engines run or aren't ours, hold no data, or the file exists."""
    state_dir, engines = settings.state_dir, LocalEngines(settings)
    _require_data(state_dir)
    _require_local(settings, engines)
    if file.resolve().is_relative_to(state_dir):
        raise UserError(f"{file} is in {state_dir}, and would be lost with it: choose a file elsewhere")
    with engines.kept_stopped(echo):
        with only_one("recruit-assets up", state_dir / UP_LOCK):
            pass  # one that starts from now on waits for the engines
        if file.exists():
            raise UserError(f"{file} exists already: choose another name, or remove it")
        members = dict(_members(state_dir))
        header = Header(
            format=FORMAT,
            created_at=datetime.now(UTC),
            size_bytes=sum(path.stat().st_size for path in members.values()),
            engines=_versions(),
            settings=_same_settings(settings),
        )
        _require_room(file, header.size_bytes)
        pack(file, header, members, progress=partial(_in_mb, progress, "backup, MB"))
    echo(f"{file} has {_described(header)}, {_mb(file.stat().st_size)} MB compressed")
    echo("It isn't encrypted, and has the events and the engines' passwords: keep it where nobody else can read it.")
    if home := os.environ.get(HOME_VARIABLE):
        echo(f"Dagster's runs aren't in it: {HOME_VARIABLE} is {home}")


def restore(settings: Settings, file: Path, *, echo: Echo, progress: Progress) -> None:
    """Unpack a backup into the empty state directory; UserError, and a directory without data, if that can't be."""
    state_dir, incomplete = settings.state_dir, settings.state_dir / PARTIAL

    def accept(header: Header) -> None:
        _require_readable(header, file)
        require_space(state_dir, header.size_bytes, "the restored data")

    if not file.is_file():
        raise UserError(f"there is no file {file}")
    _require_empty(state_dir)
    with only_one("recruit-assets restore", state_dir / LOCK):
        shutil.rmtree(incomplete, ignore_errors=True)  # of a restore that was killed
        try:
            for name in (ENGINES, DAGSTER):
                private_folder(incomplete / name)
            header = unpack(file, incomplete, accept=accept, progress=partial(_in_mb, progress, "restore, MB"))
            _put_in_place(incomplete, state_dir)
        finally:
            shutil.rmtree(incomplete, ignore_errors=True)
    echo(f"{state_dir} has {_described(header)}. Next: `recruit-assets engines start`, then `recruit-assets audit`")
    for line in _other_settings(header, settings):
        echo(line)


def _require_data(state_dir: Path) -> None:
    missing = [name for name in STORES if not (state_dir / ENGINES / name / "data").is_dir()]
    if missing:
        raise UserError(
            f"{state_dir} has no data of {', '.join(missing)}: name the local engines' state directory in "
            f"{variable('state_dir')}; other servers have backup tools of their own, see docs/operators.md"
        )


def _require_local(settings: Settings, engines: LocalEngines) -> None:
    """UserError if a store is elsewhere: the backup would lack it."""
    own = engines.endpoints()
    for names in STORE_ADDRESSES:
        host, *_ = names
        if getattr(settings, host) and any(getattr(settings, name) != own.get(name) for name in names):
            raise UserError(
                f"{variable(host)} names another server than the local engine of {settings.state_dir}: unset it, or "
                "back up all stores with their own tools, see docs/operators.md"
            )


def _members(state_dir: Path) -> Iterator[tuple[str, Path]]:
    """The files by their names in the archive. Links are followed: the data may lie on another disk."""
    for store in STORES:
        for file in _files(state_dir / ENGINES / store, without=MADE_ANEW):
            yield str(file.relative_to(state_dir)), file
    for file in _files(state_dir / DAGSTER):
        if file.name != CONFIG_FILE or not is_our_config(file):
            yield str(file.relative_to(state_dir)), file


def _files(folder: Path, *, without: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The regular files below a folder, except what is below or named so in the folder itself."""
    for place, folders, files in os.walk(folder, followlinks=True):
        left_out = without if Path(place) == folder else frozenset()
        folders[:] = [name for name in folders if name not in left_out]
        paths = (Path(place, name) for name in sorted(files) if name not in left_out)
        yield from (path for path in paths if path.is_file())


def _versions() -> dict[str, str]:
    """The engines' versions: that of the first artifact of each lock, the engine itself."""
    return {name: read_lock(name)[0].version for name in STORES}


def _same_settings(settings: Settings) -> dict[str, str]:
    values = as_environment(settings)
    return {variable(name): values[variable(name)] for name in SAME_SETTINGS}


def _require_room(file: Path, size_bytes: int) -> None:
    """UserError unless the file's disk has room for the data uncompressed: how small they become isn't known before."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise UserError(
            f"not enough disk space: the backup needs up to {_mb(size_bytes)} MB in {folder}, {_mb(free)} MB are free. "
            "Choose a file on another disk"
        )


def _require_empty(state_dir: Path) -> None:
    try:
        found = sorted(set(os.listdir(state_dir)) - NO_DATA)  # noqa: PTH208  # names
    except FileNotFoundError:
        return
    if found:
        raise UserError(
            f"{state_dir} isn't empty, it has {found[0]}: name another state directory in {variable('state_dir')}, or "
            "move this one away"
        )


def _require_readable(header: Header, file: Path) -> None:
    """UserError if this program or its engines are older than what made the backup."""
    if header.format > FORMAT:
        raise UserError(f"{file} was made by a newer version of recruit-assets: restore it with that version")
    ours = _versions()
    for name, version in header.engines.items():
        if _numbers(version) > _numbers(ours.get(name, "")):
            raise UserError(
                f"{file} has data of {name} {version}, which {name} {ours.get(name)} can't read: restore it with the "
                "version of recruit-assets that made it"
            )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _put_in_place(incomplete: Path, state_dir: Path) -> None:
    """Give the folders their names once they are on the disk. The engines' first: that fails if others were started."""
    os.sync()
    with defer_signals():
        for name in (ENGINES, DAGSTER):
            try:
                (incomplete / name).rename(state_dir / name)
            except OSError as error:
                raise UserError(f"can't restore into {state_dir / name}: {error.strerror}") from error


def _other_settings(header: Header, settings: Settings) -> Iterator[str]:
    """What to set, if this shell's settings aren't those of the backup."""
    ours = _same_settings(settings)
    others = [f"{name}={value}" for name, value in header.settings.items() if ours.get(name) != value]
    if others:
        yield "When it was made, these settings had other values than now. Set them before you start anything:"
        yield from (f"  {other}" for other in others)


def _described(header: Header) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in header.engines.items())
    return f"{_mb(header.size_bytes)} MB of {versions}, of {header.created_at:%Y-%m-%d %H:%M} UTC"


def _in_mb(progress: Progress, name: str, done_bytes: int, total_bytes: int) -> None:
    progress(name, done_bytes // 1_000_000, total_bytes // 1_000_000)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f}"
