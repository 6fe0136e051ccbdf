"""The users of the report database on a real server: each has only the rights that it needs."""

from collections.abc import Iterator

import pytest

from recruit_assets.runtime.errors import RecruitError, UserError
from recruit_assets.runtime.settings import AccountPasswords, Settings, load_settings
from recruit_assets.stores.mysql.accounts import apply_accounts
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.schema import apply_mysql_schema
from recruit_assets.stores.schema import apply_schema

ROLES = ("owner", "ingest", "lineage", "analyst")
"""Without the role dagster, whose database all tests would share."""
PASSWORD = "a 'quoted\" \\ password %s"


@pytest.fixture
def prefix(settings: Settings) -> Iterator[str]:
    """Prefix of this test's users: all databases of a server share its users."""
    prefix = f"{settings.mysql_database}_"
    apply_accounts(settings, passwords(PASSWORD), prefix=prefix)
    yield prefix
    with open_report_database(settings) as database:
        for role in ROLES:
            database.query(f"DROP USER {prefix}{role}@'%%'", ())


def passwords(password: str) -> AccountPasswords:
    return AccountPasswords.model_validate(dict.fromkeys(ROLES, password))


def login(settings: Settings, user: str, password: str = PASSWORD) -> Settings:
    return load_settings(**settings.model_dump() | {"mysql_user": user, "mysql_password": password})


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ingest", "DELETE FROM mysql_report"),
        ("lineage", "DROP TABLE mysql_report"),
        ("analyst", "UPDATE job SET company_id = 1"),
        ("owner", "SELECT user FROM mysql.user"),
    ],
)
def test_a_role_is_denied_what_it_does_not_need(settings: Settings, prefix: str, role: str, statement: str) -> None:
    with (
        open_report_database(login(settings, prefix + role)) as database,
        pytest.raises(RecruitError, match="command denied"),
    ):
        database.query(statement)


@pytest.mark.parametrize("role", ["owner", "ingest", "lineage"])
def test_services_find_the_schema_up_to_date_as_their_own_users(settings: Settings, prefix: str, role: str) -> None:
    apply_schema(settings)

    apply_schema(login(settings, prefix + role))


@pytest.mark.parametrize("role", ["ingest", "lineage"])
def test_a_service_that_may_not_upgrade_names_the_table_and_the_user_who_may(
    settings: Settings, prefix: str, role: str
) -> None:
    with open_report_database(settings) as database:
        database.query("DROP TABLE schema_version")

    with pytest.raises(UserError, match=rf"denies {prefix}{role} .*CREATE .*schema_version.*such as recruit_owner"):
        apply_mysql_schema(login(settings, prefix + role))
    apply_mysql_schema(login(settings, f"{prefix}owner"))


def test_a_second_call_changes_the_password(settings: Settings, prefix: str) -> None:
    apply_accounts(settings, passwords("another"), prefix=prefix)

    with open_report_database(login(settings, f"{prefix}analyst", "another")) as database:
        assert database.query("SELECT COUNT(*) FROM mysql_report") == [(0,)]
    with (
        open_report_database(login(settings, f"{prefix}analyst")) as database,
        pytest.raises(UserError, match="refuses the login"),
    ):
        database.query("SELECT 1")


def test_a_role_without_a_password_gets_no_user(settings: Settings) -> None:
    assert apply_accounts(settings, AccountPasswords(), prefix="nobody_") == []
