"""DDL follows from the declarations, and a missing right is an error that says what to do."""

import pytest
from cassandra import Unauthorized

from recruit_assets.contract.tables import CURRENT_VERSION
from recruit_assets.contract.types import Column, SqlTable, Type
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.cassandra.schema import create_cassandra_tables
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.migrations import MIGRATIONS
from recruit_assets.stores.mysql.schema import create_table


def test_the_contract_has_the_version_of_the_last_migration() -> None:
    names = [migration.__name__.rpartition(".")[2] for migration in MIGRATIONS]

    assert [int(name[1:5]) for name in names] == list(range(1, CURRENT_VERSION + 1))


def test_a_default_is_part_of_a_new_table() -> None:
    """Otherwise a new installation would differ from an upgraded one."""
    column = Column("views", Type.INT, "Views", nullable=False, default=0)

    assert "views int NOT NULL DEFAULT 0 COMMENT" in create_table(SqlTable("t", "", (column,), ("views",)))


class DriverWithoutRights:
    def execute(self, *_: object) -> None:
        raise Unauthorized("User recruit has no CREATE permission on <keyspace events>")


def test_a_missing_right_in_cassandra_is_an_error_that_names_who_may_upgrade() -> None:
    settings = load_settings(
        cassandra_hosts="db", cassandra_user="recruit", cassandra_password="p", cassandra_tls_ca="off"
    )

    with pytest.raises(UserError, match=r"at db denies user recruit .*<keyspace events>.*CREATE and ALTER"):
        create_cassandra_tables(CassandraSession(DriverWithoutRights(), "events"), settings)
