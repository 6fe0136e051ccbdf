"""Secured engines, started once for the tests of this folder, and what gets a client of all three in."""

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
    """Signs the engines' certificates."""
    return Authority(folder / "ca")


@pytest.fixture(scope="session")
def stranger(folder: Path) -> Authority:
    """Signs nothing that is in use."""
    return Authority(folder / "stranger", name="another CA")


@pytest.fixture(scope="session")
def secured(folder: Path, authority: Authority) -> Iterator[Settings]:
    """Settings of Kafka, Cassandra and MariaDB, none of which takes a client without TLS and password."""
    engines = [make(folder, authority) for make in (secured_cassandra, secured_kafka, secured_mariadb)]
    given: dict[str, object] = {}
    for engine in engines:
        given |= engine.client.model_dump(exclude_unset=True)
    with running(engines):
        with open_session(load_settings(**given)) as session:
            session.execute(f"CREATE ROLE {USER} WITH PASSWORD = '{PASSWORD}' AND LOGIN = true AND SUPERUSER = true")
        yield load_settings(**given | {"cassandra_user": USER, "cassandra_password": PASSWORD})
