"""Dagster's storage on a real server, with the password in a file."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from yaml import safe_dump

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster import mysql_storage
from recruit_assets.stores.dagster.instance import open_instance
from recruit_assets.stores.mysql.connection import open_report_database

PASSWORD = "a /password: with @ signs?"


@dg.job
def nothing() -> None:
    """Has no ops."""


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Dagster home whose storage is this test's database, with a login of its own."""
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    user = f"{settings.mysql_database}_dagster"
    with open_report_database(settings) as database:
        database.query(f"CREATE USER {user}@'%%' IDENTIFIED BY %s", (PASSWORD,))
        database.query(f"GRANT ALL ON {settings.mysql_database}.* TO {user}@'%%'", ())
    config = {
        "host": settings.mysql_host,
        "port": settings.mysql_port,
        "user": user,
        "database": settings.mysql_database,
        "password_file": str(secret),
    }
    storage = {"module": mysql_storage.__name__, "class": "MySqlStorage", "config": config}
    (tmp_path / "dagster.yaml").write_text(safe_dump({"storage": {"custom": storage}}))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    yield tmp_path
    with open_report_database(settings) as database:
        database.query(f"DROP USER {user}@'%%'", ())


def test_a_run_is_stored_and_no_reference_to_the_storage_shows_the_password(home: Path, settings: Settings) -> None:
    with open_instance(settings) as instance:
        run_id = nothing.execute_in_process(instance=instance).run_id
        reference = instance.get_ref()

    with dg.DagsterInstance.from_ref(reference) as again:  # as the process of a run does
        (record,) = again.get_run_records()
        assert (record.dagster_run.run_id, record.dagster_run.status) == (run_id, dg.DagsterRunStatus.SUCCESS)
        assert again.all_logs(run_id)
    assert str(home / "secret") in str(reference)
    assert PASSWORD not in str(reference)


def test_a_missing_password_is_named(home: Path, settings: Settings) -> None:
    (home / "secret").unlink()

    missing = "password_file of Dagster's storage: can't read .*secret: No such file"
    with pytest.raises(UserError, match=missing), open_instance(settings):
        pass
