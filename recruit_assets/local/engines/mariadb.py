"""MariaDB 11.4, in place of MySQL on a machine without Docker."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recruit_assets.local.engines.engine import HOST, Command, EngineName
from recruit_assets.local.engines.jvm import environment
from recruit_assets.local.engines.login import Login
from recruit_assets.local.engines.processes import run_to_end
from recruit_assets.runtime.artifacts import mariadb_home
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.probes import probe_mariadb

USER = "recruit"
BOOTSTRAP_TIMEOUT_S = 120
SQL_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
    "mariadb_sys_schema.sql",
)


@dataclass(frozen=True, slots=True)
class MariaDb:
    """One server. `ports` has mariadb; `extra` options override ours."""

    settings: Settings
    folder: Path
    ports: Mapping[str, int]
    lock: str = "mariadb"
    name: EngineName = EngineName.MARIADB
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return f"--defaults-file={self.folder / 'my.cnf'}"

    def prepare(self, echo: Echo) -> Command:
        home = mariadb_home(self.settings, echo=echo)
        data = self.folder / "data"
        (self.folder / "tmp").mkdir(exist_ok=True)
        atomic_write(self.folder / "init.sql", self._init_sql(), private=True)
        config = self.folder / "my.cnf"
        config.write_text(self._config(home, data), encoding="utf-8")
        if not data.exists():
            echo("mariadb: creating its system tables")
            self._bootstrap(home, data)
        return Command(
            arguments=(str(home / "bin" / "mariadbd"), self.mark, f"--init-file={self.folder / 'init.sql'}"),
            folder=self.folder,
            environment=environment(),
        )

    def probe(self) -> None:
        probe_mariadb(HOST, self.ports["mariadb"], login=(USER, self._login.create()))

    def endpoints(self) -> Mapping[str, str | int]:
        return {
            "mysql_host": HOST,
            "mysql_port": self.ports["mariadb"],
            "mysql_user": USER,
            "mysql_password": self._login.create(),
        }

    @property
    def _login(self) -> Login:
        return Login(USER, self.folder / "password")

    def _init_sql(self) -> str:
        """SQL that the server runs at every start before it accepts connections; one statement per line."""
        login = f"'{USER}'@'{HOST}'"
        return (
            f"CREATE USER IF NOT EXISTS {login};\n"
            f"ALTER USER {login} IDENTIFIED BY '{self._login.create()}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {login} WITH GRANT OPTION;\n"
            f"REVOKE FILE ON *.* FROM {login};\n"  # a statement could write files that others run
        )

    def _bootstrap(self, home: Path, data: Path) -> None:
        """Create the system tables as mariadb-install-db does, in a temporary folder that is then renamed."""
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        # root may log in only through the socket in the data folder, and only as the machine's root user
        sql = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket='root';\n"
        sql += "".join((home / "share" / name).read_text(encoding="utf-8") for name in SYSTEM_TABLES)
        sql += "DELETE FROM proxies_priv;\n"
        config = self.folder / "bootstrap.cnf"
        config.write_text(self._config(home, partial), encoding="utf-8")
        arguments = (str(home / "bin" / "mariadbd"), f"--defaults-file={config}", "--bootstrap", "--log-warnings=0")
        command = Command(arguments, self.folder, environment())
        run_to_end(command, stdin=sql, timeout_s=BOOTSTRAP_TIMEOUT_S)
        partial.rename(data)

    def _config(self, home: Path, data: Path) -> str:
        values: dict[str, object] = {
            "basedir": home,
            "datadir": data,
            "lc-messages-dir": home / "share",
            "tmpdir": self.folder / "tmp",
            "secure-file-priv": self.folder / "tmp",  # the only folder in which statements may read and write files
            # relative to the data folder: the full path may be too long for a socket
            "socket": "mariadb.sock",
            "pid-file": "mariadb.pid",
            "bind-address": HOST,
            "port": self.ports["mariadb"],
            "skip-name-resolve": 1,
            # creating a key at every start takes up to 30 s, and the traffic never leaves this machine
            "ssl": 0,
            "character-set-server": "utf8mb4",
            "collation-server": "utf8mb4_unicode_ci",
            "default-time-zone": "+00:00",
            "sql-mode": SQL_MODE,
            # acknowledged transactions are on disk
            "innodb-flush-log-at-trx-commit": 1,
            "innodb-buffer-pool-size": "256M",
            "innodb-log-file-size": "96M",
            "max-connections": 100,
            "table-open-cache": 400,  # a higher value needs more open files than users may have
            "max-allowed-packet": "64M",
            "performance-schema": 0,
        }
        if os.geteuid() == 0:
            values["user"] = "root"  # otherwise the server refuses to run as root
        return "[mysqld]\n" + "".join(
            f'{key} = "{_escaped(str(value))}"\n' for key, value in (values | dict(self.extra)).items()
        )


def _escaped(value: str) -> str:
    """The value for an option file, between double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
