"""Events of a foreign producer: JSON lines as trackers send them, and the report computed by hand."""

from datetime import datetime
from pathlib import Path

import pytest
from kafka import KafkaProducer

from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import Materialized, materialize_pending
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.mysql.connection import open_report_database

# the time in these UUIDs is 2026-01-05 07:10:40
LINES = """
{"create_time": "a4b50000-ea05-11f0-8000-000000000001", "ts": "2026-01-05 07:59:59.999", "custom_track": "click", "job_id": 5, "publisher_id": 2, "campaign_id": 3, "group_id": 4, "bid": 10}
{"create_time": "a4b50000-ea05-11f0-8000-000000000002", "ts": "2026-01-05 07:59:59.999", "custom_track": "clicks", "job_id": "5", "publisher_id": "2.0", "campaign_id": 3.0, "group_id": "4", "bid": "5"}
{"create_time": "a4b50000-ea05-11f0-8000-000000000003", "ts": "2026-01-05T07:59:59.999Z", "custom_track": "click", "job_id": 5.0, "publisher_id": 2, "campaign_id": 3, "group_id": 4, "bid": null, "ua": "Überbrowser 🦊"}
{"create_time": "A4B50000-EA05-11F0-8000-000000000003", "ts": "2026-01-05T07:59:59.999Z", "custom_track": "click", "job_id": 5.0, "publisher_id": 2, "campaign_id": 3, "group_id": 4, "bid": null, "ua": "Überbrowser 🦊"}
{"create_time": "a4b50000-ea05-11f0-8000-000000000004", "ts": "2026-01-05T09:30:00+02:00", "custom_track": "conversion", "job_id": 5, "publisher_id": 2, "campaign_id": 3, "group_id": 4, "md": true, "new_field": {"deep": [1, 2.50]}}
{"create_time": "a4b50000-ea05-11f0-8000-000000000005", "custom_track": "qualified", "job_id": 5, "publisher_id": 2, "campaign_id": 3, "group_id": 4}
{"create_time": "a4b50000-ea05-11f0-8000-000000000006", "ts": "2026-01-05 07:00:00", "custom_track": "unqualified", "job_id": 0, "publisher_id": null, "campaign_id": null, "group_id": null, "cd": "1.0"}
{"create_time": "a4b50000-ea05-11f0-8000-000000000007", "ts": "2026-01-05 08:00:00", "custom_track": "click", "job_id": 5, "publisher_id": 2, "campaign_id": 3, "group_id": 4, "bid": 7, "dt": "Köchin gesucht, 北京"}
{"create_time": "a4b50000-ea05-11f0-8000-000000000008", "ts": "2026-01-05 08:00:00", "custom_track": "click", "publisher_id": 2}
{"create_time": "a4b50000-ea05-11f0-8000-000000000009", "ts": "2026-01-05 08:00:00", "custom_track": null, "job_id": 5}
{"create_time": "a4b50000-ea05-11f0-8000-00000000000a", "ts": "2026-01-05 08:00:00", "custom_track": "pageview", "job_id": 5}
""".strip().splitlines()  # noqa: E501  # a record is one line
DAY = datetime(2026, 1, 5)
EXPECTED = [
    # job, dates, hours, disqualified, qualified, conversion, company, group, campaign, publisher, bid_set, clicks,
    # impressions, spend_hour, sources
    (0, DAY, 7, 1, 0, 0, None, 0, 0, 0, 0.0, 0, None, 0.0, "Cassandra"),
    (5, DAY, 7, 0, 1, 1, 77, 4, 3, 2, 5.0, 3, None, 15.0, "Cassandra"),
    (5, DAY, 8, 0, 0, 0, 77, 4, 3, 2, 7.0, 1, None, 7.0, "Cassandra"),
]


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


@pytest.mark.usefixtures("dagster_home", "frames")
def test_json_lines_of_any_kafka_client_give_the_report_computed_by_hand(settings: Settings) -> None:
    """Three clicks have the same millisecond, and one of them is sent twice. The producer uses none of our code."""
    producer = KafkaProducer(**connection_options(settings), compression_type="gzip")
    for line in LINES:
        producer.send(settings.kafka_topic, line.encode())
    producer.flush()
    producer.close()
    with open_report_database(settings) as database:
        database.query("INSERT INTO job (id, company_id) VALUES (5, 77)")

    done = materialize_pending(build_defs(settings=settings), settings)

    assert done == Materialized(records=11, runs=1, hours=2)
    with open_report_database(settings) as database:
        rows = database.query("SELECT * FROM mysql_report ORDER BY hours, job_id")
    assert [row[:-1] for row in rows] == EXPECTED
