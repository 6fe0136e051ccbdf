"""Jars, the MariaDB server and a Java runtime: locked, hash-checked, in one cache per user that all clones share.

Belongs here: which versions there are (`locks/`, written by `python -m recruit_assets.artifacts.lock`), fetching and
unpacking them. Not here: running them (`engines`, `stores.spark`). Repositories' addresses belong to jgo and to the
user's own Maven and proxy settings (`repositories`).
"""

from recruit_assets.artifacts.install import classpath, fetch
from recruit_assets.artifacts.java import java_home
from recruit_assets.artifacts.mariadb import mariadb_home

__all__ = ["classpath", "fetch", "java_home", "mariadb_home"]
