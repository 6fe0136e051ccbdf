"""The contract, written out independently: a change here is a change for every reader of the report."""

from pathlib import Path

from recruit_assets.contract.dead_letters import DEAD_LETTER_MEANINGS, DeadLetterReason
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables import CASSANDRA_TABLES, MYSQL_REPORT, SQL_TABLES
from recruit_assets.contract.types import Type
from recruit_assets.stores.cassandra.schema import CQL_TYPES, create_table
from recruit_assets.stores.mysql.schema import SQL_TYPES
from recruit_assets.stores.mysql.schema import create_table as create_sql_table

OPERATORS = (Path(__file__).parents[3] / "docs" / "operators.md").read_text(encoding="utf-8")


def test_an_event_has_29_columns_and_needs_only_create_time() -> None:
    assert [column.name for column in EVENT_COLUMNS] == [
        "create_time",
        "bid",
        "bn",
        "campaign_id",
        "cd",
        "custom_track",
        "de",
        "dl",
        "dt",
        "ed",
        "ev",
        "group_id",
        "id",
        "job_id",
        "md",
        "publisher_id",
        "rl",
        "sr",
        "ts",
        "tz",
        "ua",
        "uid",
        "utm_campaign",
        "utm_content",
        "utm_medium",
        "utm_source",
        "utm_term",
        "v",
        "vp",
    ]
    assert {column.name for column in EVENT_COLUMNS if column.type is Type.INT} == (
        {"bid", "campaign_id", "cd", "ev", "group_id", "job_id", "publisher_id", "tz", "v"}
    )
    assert [column.name for column in EVENT_COLUMNS if not column.nullable] == ["create_time"]


def test_the_report_has_16_columns_in_this_order() -> None:
    assert list(MYSQL_REPORT.column_names) == [
        "job_id",
        "dates",
        "hours",
        "disqualified_application",
        "qualified_application",
        "conversion",
        "company_id",
        "group_id",
        "campaign_id",
        "publisher_id",
        "bid_set",
        "clicks",
        "impressions",
        "spend_hour",
        "sources",
        "latest_update_time",
    ]
    assert MYSQL_REPORT.primary_key == ("dates", "hours", "job_id", "publisher_id", "campaign_id", "group_id")


def test_every_column_of_every_table_has_a_type_in_its_store() -> None:
    assert {column.type for table in CASSANDRA_TABLES for column in table.columns} <= CQL_TYPES.keys()
    assert {column.type for table in SQL_TABLES for column in table.columns} <= SQL_TYPES.keys()


def test_cassandra_tables_are_created_with_their_key_and_time_to_live() -> None:
    by_name = {table.name: create_table("recruit", table) for table in CASSANDRA_TABLES}

    assert "PRIMARY KEY ((event_hour, bucket), create_time)" in by_name["raw_events"]
    assert "create_time timeuuid" in by_name["raw_events"]
    assert "PRIMARY KEY ((day, shard), changed_at)" in by_name["event_changes"]
    assert "default_time_to_live = 7776000" in by_name["event_changes"]


def test_the_report_is_created_with_the_types_that_analysts_read() -> None:
    statement = create_sql_table(MYSQL_REPORT)

    for definition in (
        "dates datetime NOT NULL", "company_id int NULL", "bid_set double NOT NULL", "impressions varchar(32) NULL",
        "latest_update_time datetime(3) NOT NULL",
    ):  # fmt: skip
        assert definition in statement


def test_every_dead_letter_reason_is_explained_to_operators() -> None:
    assert DEAD_LETTER_MEANINGS.keys() == set(DeadLetterReason)

    section = OPERATORS.split("## Dead letters")[1].split("\n## ")[0]
    rows = [f"| `{reason}` | {meaning} |" for reason, meaning in DEAD_LETTER_MEANINGS.items()]
    assert [line for line in section.splitlines() if line.startswith("| `")] == rows
