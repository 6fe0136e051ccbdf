"""Unpacks the MariaDB server from its jar into the cache."""

import logging
import shutil
import zipfile
from pathlib import Path
from tempfile import mkdtemp

from recruit_assets.runtime.artifacts.install import cache_lock, install, require_private, require_space
from recruit_assets.runtime.artifacts.lockfile import read_lock
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings

log = logging.getLogger(__name__)

SERVER = "bin/mariadbd"
NEEDED = (SERVER, "share/english/", "share/charsets/", "share/mariadb_")
"""Name prefixes inside the jar's `linux` folder; 30 other languages and the clients aren't unpacked."""


def mariadb_home(settings: Settings, *, echo: Echo = log.info) -> Path:
    """The folder with bin/mariadbd and share/, downloaded and unpacked if it isn't in the cache yet."""
    (locked,) = read_lock("mariadb")
    home = settings.cache_dir / "mariadb" / f"{locked.version}-{locked.sha256[:12]}"
    require_private([home / SERVER], settings.cache_dir)
    if home.is_dir():
        return home
    (jar,) = install([locked], settings.cache_dir, echo=echo)
    with cache_lock(settings.cache_dir, echo=echo):
        if not home.is_dir():
            echo(f"unpacking MariaDB {locked.version}")
            _unpack(jar, home)
    return home


def require_platform(system: str, machine: str) -> None:
    """UserError on a platform on which the server, a native program, can't run."""
    if (system, machine) != ("linux", "x86_64"):
        raise UserError(
            f"the local engines need Linux x86-64, this is {system} {machine}: use the Docker setup, "
            "or set RECRUIT_* to other engines"
        )


def _unpack(jar: Path, home: Path) -> None:
    """Unpack into a temporary folder and rename that, so the server is never incomplete."""
    partial = home.parent.parent / "partial"
    partial.mkdir(exist_ok=True)
    home.parent.mkdir(exist_ok=True)
    folder = Path(mkdtemp(dir=partial))
    try:
        with zipfile.ZipFile(jar) as archive:
            members = [(info, _path_in_server(info.filename)) for info in archive.infolist() if not info.is_dir()]
            wanted = [(info, place) for info, place in members if place.startswith(NEEDED)]
            require_space(partial, sum(info.file_size for info, _ in wanted), "the unpacked MariaDB server")
            for info, place in wanted:
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1024 * 1024)
        (folder / SERVER).chmod(0o755)
        folder.chmod(0o755)
        folder.rename(home)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"can't unpack MariaDB into {home}: {error}") from error


def _path_in_server(name: str) -> str:
    return name.rpartition("/linux/")[2]
