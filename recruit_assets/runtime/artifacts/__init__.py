"""Downloaded programs: jars, the MariaDB server and Java, locked and hash-checked in one cache per user.

`python -m recruit_assets.runtime.artifacts.lock` writes the versions to `locks/`. Repository addresses come from jgo
and from the user's Maven and proxy settings (`repositories`).
"""

from recruit_assets.runtime.artifacts.install import classpath, fetch
from recruit_assets.runtime.artifacts.java import java_home
from recruit_assets.runtime.artifacts.mariadb import mariadb_home

__all__ = ["classpath", "fetch", "java_home", "mariadb_home"]
