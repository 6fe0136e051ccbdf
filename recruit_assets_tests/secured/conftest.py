"""Engines with TLS and logins, started once for this folder, and the settings that a client needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets_tests.secured.engines import (
    PASSWORD,
    USER,
    secured_cassandra,
    secured_kafka,
    secured_mariadb,
)
from recruit_assets_tests.support.certificates import Authority
from recruit_assets_tests.support.engine_set import running


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secured")


@pytest.fixture(scope="session")
def authority(folder: Path) -> Authority:
    """The CA that signs the engines' certificates."""
    return Authority(folder / "ca")


@pytest.fixture(scope="session")
def stranger(folder: Path) -> Authority:
    """A CA that no engine's certificate is signed by."""
    return Authority(folder / "stranger", name="another CA")


@pytest.fixture(scope="session")
def secured(folder: Path, authority: Authority) -> Iterator[Settings]:
    """Settings of a Kafka, Cassandra and MariaDB that all require TLS and a password."""
    engines = [make(folder, authority) for make in (secured_cassandra, secured_kafka, secured_mariadb)]
    given: dict[str, object] = {}
    for engine in engines:
        given |= engine.client.model_dump(exclude_unset=True)
    with running(engines):
        with open_session(load_settings(**given)) as session:
            session.execute(f"CREATE ROLE {USER} WITH PASSWORD = '{PASSWORD}' AND LOGIN = true AND SUPERUSER = true")
        yield load_settings(**given | {"cassandra_user": USER, "cassandra_password": PASSWORD})
