"""`schema apply` creates and updates the analysts' views and their read-only login."""

import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from recruit_assets.contract.analyst_model import VIEWS
from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.schema import apply_mysql_schema
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.reports import report_database


@pytest.fixture
def own(engines: Settings) -> Settings:
    settings = fresh_names(engines)
    login = {"analyst_user": settings.mysql_database, "analyst_password": SecretStr("it's \\ a 'secret'")}
    return settings.model_copy(update=login)


@pytest.fixture
def report(own: Settings) -> Iterator[ReportDatabase]:
    with report_database(own) as database:
        yield database
        database.query(f"DROP USER '{own.analyst_user}'@'%%'")


def as_analyst(own: Settings, *, password: SecretStr | None = None) -> Settings:
    login = {"mysql_user": own.analyst_user, "mysql_password": password or own.analyst_password}
    return own.model_copy(update=login)


def test_applying_again_needs_no_right_to_create_views(own: Settings, report: ReportDatabase) -> None:
    """Services compare the schema when they start, and their logins may only read and write rows."""
    report.query(f"GRANT SELECT, INSERT, DELETE ON {own.mysql_database}.* TO '{own.analyst_user}'@'%%'")

    apply_mysql_schema(as_analyst(own).model_copy(update={"analyst_password": SecretStr("")}))

    with (
        open_report_database(as_analyst(own)) as service,
        pytest.raises(StoreUnavailable, match="denied"),
        service.transaction() as cursor,
    ):
        cursor.execute("CREATE OR REPLACE VIEW dim_job AS SELECT 1 AS it_could_have")


def test_a_changed_view_is_replaced_and_logged(
    own: Settings, report: ReportDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    report.query("CREATE OR REPLACE VIEW dim_job AS SELECT 1 AS of_an_older_version")
    report.query("UPDATE applied_views SET definition_sha256 = 'another' WHERE name = 'dim_job'")

    with caplog.at_level(logging.INFO):
        apply_mysql_schema(own)

    assert [line for line in caplog.messages if "view" in line] == [
        "view dim_job is replaced: its definition has changed"
    ]
    assert report.query("SELECT job_id, job_title FROM dim_job") == []


def test_a_missing_view_is_created_again(own: Settings, report: ReportDatabase) -> None:
    report.query("DROP VIEW kpi_by_job")

    apply_mysql_schema(own)

    assert report.query("SELECT job_id, cpc FROM kpi_by_job") == []


def test_a_table_with_the_name_of_a_view_is_left_alone(own: Settings, report: ReportDatabase) -> None:
    report.query("DROP VIEW dim_company")
    report.query("CREATE TABLE dim_company AS SELECT 7 AS precious")

    with pytest.raises(SchemaMismatch, match="has a table dim_company where the analyst model has a view"):
        apply_mysql_schema(own)

    assert report.query("SELECT precious FROM dim_company") == [(7,)]


def test_an_analyst_reads_every_view(own: Settings, report: ReportDatabase) -> None:
    with open_report_database(as_analyst(own)) as analyst:
        assert {view.name: analyst.query(f"SELECT COUNT(*) > 0 FROM {view.name}") for view in VIEWS}.keys() == {
            view.name for view in VIEWS
        }
        assert analyst.query("SELECT COUNT(*) FROM report_hours JOIN pending_hours USING (event_hour)") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM mysql_report",
        "INSERT INTO job (id) VALUES (1)",
        "DROP VIEW fact_hourly",
        "CREATE TABLE mine (id int)",
        "SELECT * FROM dead_letter_replays",
    ],
)
def test_an_analyst_changes_nothing(own: Settings, report: ReportDatabase, statement: str) -> None:
    with (
        open_report_database(as_analyst(own)) as analyst,
        pytest.raises(StoreUnavailable, match="denied"),
        analyst.transaction() as cursor,
    ):
        cursor.execute(statement)


def test_another_password_replaces_the_first(own: Settings, report: ReportDatabase) -> None:
    another = SecretStr("another")
    apply_mysql_schema(own.model_copy(update={"analyst_password": another}))

    with open_report_database(as_analyst(own, password=another)) as analyst:
        assert analyst.query("SELECT 1") == [(1,)]
    with open_report_database(as_analyst(own)) as analyst, pytest.raises(UserError, match="refuses the login"):
        analyst.query("SELECT 1")


def test_a_login_that_may_not_create_users_is_an_error_that_says_so(own: Settings, report: ReportDatabase) -> None:
    less = as_analyst(own).model_copy(update={"analyst_user": "somebody_else"})
    report.query(f"GRANT SELECT, DELETE, INSERT ON {own.mysql_database}.* TO '{own.analyst_user}'@'%%'")

    with pytest.raises(UserError, match=r"may not make the login somebody_else.*unset RECRUIT_ANALYST_PASSWORD"):
        apply_mysql_schema(less)


def test_analysts_do_not_share_the_platforms_login(own: Settings, report: ReportDatabase) -> None:
    with pytest.raises(UserError, match="analysts need a login of their own"):
        apply_mysql_schema(own.model_copy(update={"analyst_user": own.mysql_user}))
