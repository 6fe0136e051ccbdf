"""What Power BI's MySQL connector reads with the read-only login: the catalogue, then each view's rows."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pymysql.constants import FIELD_TYPE

from recruit_assets.contract.analyst_model import DIM_DATE, DIMENSION_VIEWS, FACT, VIEWS, View
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.reports import report_database, write_report
from recruit_assets_tests.support.simulations import all_valid, simulated

SPEC = all_valid(events=1_000, jobs=30)
KEYS = {DIM_DATE.name: "date"} | {view.name: dimension.key for dimension, view in DIMENSION_VIEWS.items()}
IMPORTABLE = {
    FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.SHORT, FIELD_TYPE.TINY, FIELD_TYPE.INT24,  # whole number
    FIELD_TYPE.DOUBLE,  # decimal number
    FIELD_TYPE.DATE, FIELD_TYPE.DATETIME,
    FIELD_TYPE.VAR_STRING,  # text
}  # fmt: skip


@pytest.fixture(scope="module")
def reader(engines: Settings) -> Iterator[ReportDatabase]:
    names = fresh_names(engines)
    own = names.model_copy(update={"analyst_user": names.mysql_database, "analyst_password": SecretStr("only reads")})
    with report_database(own) as database:
        write_report(database, SPEC, simulated(SPEC)[1])
        login = {"mysql_user": own.analyst_user, "mysql_password": own.analyst_password}
        with open_report_database(own.model_copy(update=login)) as analyst:
            yield analyst
        database.query(f"DROP USER '{own.analyst_user}'@'%%'")


def test_the_navigator_lists_every_view(reader: ReportDatabase) -> None:
    for question in ("SHOW VARIABLES", "SHOW COLLATION"):  # the connector's first words
        assert reader.query(question)
    assert (reader.name,) in reader.query("SHOW DATABASES")

    listed = reader.query(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()"
    )

    assert {(view.name, "VIEW") for view in VIEWS} < set(listed)
    assert "dead_letter_replays" not in dict(listed)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_imported_with_types_that_power_bi_has(reader: ReportDatabase, view: View) -> None:
    columns = reader.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s "
        "ORDER BY ordinal_position",
        (view.name,),
    )
    assert tuple(name for (name,) in columns) == view.column_names

    with reader.transaction() as cursor:
        cursor.execute(f"SELECT {', '.join(f'`$Table`.`{name}`' for (name,) in columns)} FROM `{view.name}` `$Table`")
        types = {column[0]: int(column[1]) for column in cursor.description}
        assert cursor.fetchall()

    assert {name: type_ for name, type_ in types.items() if type_ not in IMPORTABLE} == {}


@pytest.mark.parametrize(("view", "key"), KEYS.items())
def test_a_relationship_is_many_to_one_and_leaves_no_blank_member(reader: ReportDatabase, view: str, key: str) -> None:
    ((members, distinct),) = reader.query(f"SELECT COUNT(*), COUNT(DISTINCT {key}) FROM {view}")
    orphans = reader.query(
        f"SELECT {key} FROM {FACT.name} WHERE {key} IS NULL OR {key} NOT IN (SELECT {key} FROM {view})"
    )

    assert members == distinct > 0
    assert orphans == []
