"""Keyspace and database may have a name that is a reserved word in CQL or SQL."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything


@pytest.fixture
def own(engines: Settings) -> Iterator[Settings]:
    settings = fresh_names(engines)
    login = {"analyst_user": settings.mysql_database, "analyst_password": SecretStr("an analyst's")}
    settings = settings.model_copy(update=login | {"cassandra_keyspace": "full", "mysql_database": "order"})
    yield settings
    with open_report_database(settings) as database:
        database.query(f"DROP USER IF EXISTS '{settings.analyst_user}'@'%%'")
    drop_everything(settings)


def test_all_stores_work_under_reserved_names(own: Settings, spark: SparkSession) -> None:
    apply_schema(own)
    apply_schema(own)
    with open_publisher(own) as publisher:
        publisher.send([as_bytes(an_event())])
        publisher.finish()

    assert drain(own).events == 1
    assert seen_by(spark, own, timeout_s=30).table(RAW_EVENTS).count() == 1
    with open_report_database(own) as database:
        assert database.query("SELECT COUNT(*) FROM report_hours") == [(0,)]
