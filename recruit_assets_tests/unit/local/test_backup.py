"""What a backup takes, and what backup and restore refuse. That engines work with it, the integration test shows."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from shutil import disk_usage

import pytest

from recruit_assets.local import UP_LOCK, backup
from recruit_assets.local.archive import Header, pack
from recruit_assets.local.backup import back_up, restore
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import only_one
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import REPOSITORY

STORED = {
    "engines/kafka/data/raw_events-0/0.log": "records",
    "engines/kafka/formatted": "",
    "engines/kafka/password": "of kafka",
    "engines/cassandra/data/data/recruit/log": "a table of this name",
    "engines/mariadb/data/ibdata1": "rows",
    "engines/mariadb/password": "of mariadb",
    "dagster/history/runs/index.db": "runs",
}
MADE_ANEW = {
    "endpoints.json": "{}",
    "report.html": "page",
    "logs/ingest.log": "lines",
    "engines/ports.json": json.dumps(
        {"kafka": 1, "kafka_controller": 2, "cassandra": 3, "cassandra_internode": 4, "mariadb": 5}
    ),
    "engines/.lock": "",
    "engines/kafka/log": "lines",
    "engines/kafka/log.previous": "lines",
    "engines/kafka/tmp/native.so": "code",
    "engines/kafka/process.json": "{}",
    "engines/spark/data/blocks": "spilled",
    "engines/spark/connection": "secret",
}


def write(folder: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def contents_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with the files of stopped engines."""
    write(tmp_path / "state", STORED)
    return tmp_path / "state"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.tar.zst"


@pytest.fixture(autouse=True)
def _no_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


def made(state: Path, file: Path, **overrides: object) -> list[str]:
    """Back up; returns the lines for the person."""
    lines: list[str] = []
    back_up(load_settings(state_dir=state, **overrides), file, echo=lines.append, progress=lambda *_: None)
    return lines


def restored(state: Path, file: Path, **overrides: object) -> list[str]:
    """Restore; returns the lines for the person."""
    lines: list[str] = []
    restore(load_settings(state_dir=state, **overrides), file, echo=lines.append, progress=lambda *_: None)
    return lines


def test_everything_stored_is_restored_and_nothing_that_a_start_makes_anew(
    state: Path, file: Path, tmp_path: Path
) -> None:
    write(state, MADE_ANEW)
    (state / "dagster" / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    os.mkfifo(state / "engines" / "kafka" / "stdin")

    made(state, file)
    restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == STORED | {backup.LOCK: ""}
    assert {place.stat().st_mode & 0o777 for place in (tmp_path / "new").iterdir() if place.is_dir()} == {0o700}


def test_data_behind_a_link_are_in_it_and_so_are_dagster_settings_of_ones_own(
    state: Path, file: Path, tmp_path: Path
) -> None:
    (state / "engines" / "mariadb" / "data").rename(tmp_path / "disk")
    (state / "engines" / "mariadb" / "data").symlink_to(tmp_path / "disk")
    write(state, {"dagster/dagster.yaml": "own: settings"})

    made(state, file)
    restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == STORED | {backup.LOCK: "", "dagster/dagster.yaml": "own: settings"}


def test_the_person_is_told_that_it_is_a_secret_and_what_it_lacks(
    state: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/dagster")

    lines = "\n".join(made(state, file))

    assert "isn't encrypted, and has the events and the engines' passwords" in lines
    assert "Dagster's runs aren't in it: DAGSTER_HOME is /dagster" in lines


def test_settings_that_differ_from_those_of_the_backup_are_named(state: Path, file: Path, tmp_path: Path) -> None:
    made(state, file, kafka_topic="clicks", retention_days=90)

    lines = restored(tmp_path / "new", file, kafka_topic="clicks")

    assert [line.strip() for line in lines if "RECRUIT_" in line] == ["RECRUIT_RETENTION_DAYS=90"]


def test_a_backup_is_never_replaced(state: Path, file: Path) -> None:
    file.write_text("an earlier one")

    with pytest.raises(UserError, match="exists already: choose another name"):
        made(state, file)

    assert file.read_text() == "an earlier one"


def test_a_backup_in_its_own_state_directory_is_refused(state: Path) -> None:
    with pytest.raises(UserError, match="would be lost with it"):
        made(state, state / "backup.tar.zst")


def test_a_missing_folder_is_named(state: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"there is no folder {tmp_path}/backups"):
        made(state, tmp_path / "backups" / "first.tar.zst")


def test_while_up_runs_nothing_is_backed_up(state: Path, file: Path) -> None:
    with only_one("recruit-assets up", state / UP_LOCK), pytest.raises(UserError, match="`recruit-assets up` is runn"):
        made(state, file)

    assert not file.exists()


def test_a_store_without_data_is_named(state: Path, file: Path) -> None:
    (state / "engines" / "cassandra" / "data").rename(state / "moved")

    with pytest.raises(UserError, match=f"{state} has no data of cassandra: name the local engines' state directory"):
        made(state, file)


@pytest.mark.parametrize("name", ["kafka_bootstrap", "cassandra_hosts", "mysql_host"])
def test_a_store_elsewhere_is_refused(name: str, state: Path, file: Path) -> None:
    """The backup would look whole and lack it."""
    with pytest.raises(UserError, match=f"RECRUIT_{name.upper()} names another server"):
        made(state, file, **{name: "127.0.0.1"})


def test_a_full_disk_is_noticed_before_anything_is_written(
    state: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(state, file)
    found = disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: found._replace(free=3))

    with pytest.raises(UserError, match="not enough disk space: the backup needs"):
        made(state, tmp_path / "second.tar.zst")
    with pytest.raises(UserError, match="not enough disk space: the restored data needs"):
        restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == {backup.LOCK: ""}


def test_only_an_empty_state_directory_is_restored_into(state: Path, file: Path) -> None:
    made(state, file)
    before = contents_of(state)

    with pytest.raises(UserError, match=f"{state} isn't empty, it has dagster"):
        restored(state, file)

    assert contents_of(state) == before


def test_a_missing_backup_is_named(tmp_path: Path, file: Path) -> None:
    with pytest.raises(UserError, match=f"there is no file {file}"):
        restored(tmp_path / "new", file)

    assert not (tmp_path / "new").exists()


def test_a_damaged_backup_leaves_an_empty_directory(state: Path, file: Path, tmp_path: Path) -> None:
    made(state, file)
    file.write_bytes(file.read_bytes()[:-50])

    with pytest.raises(UserError, match="Nothing was restored"):
        restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == {backup.LOCK: ""}


def test_what_a_killed_restore_has_left_is_removed(state: Path, file: Path, tmp_path: Path) -> None:
    made(state, file)
    write(tmp_path / "new", {f"{backup.PARTIAL}/engines/kafka/data/half": "a file"})

    restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == STORED | {backup.LOCK: ""}


def test_engines_started_meanwhile_are_left_alone(
    state: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(state, file)
    monkeypatch.setattr("os.sync", lambda: write(tmp_path / "new", {"engines/.lock": ""}))

    with pytest.raises(UserError, match=r"can't restore into .*/new/engines: Directory not empty"):
        restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == {backup.LOCK: "", "engines/.lock": ""}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"format": 2}, "was made by a newer version of recruit-assets"),
        ({"engines": {"kafka": "4.4.10"}}, r"has data of kafka 4\.4\.10, which kafka 4\.\d+\.\d+ can't read"),
        ({"engines": {"cassandra": "10.0.0"}}, "has data of cassandra 10"),
    ],
)
def test_a_backup_of_newer_engines_is_refused(changed: dict[str, object], why: str, file: Path, tmp_path: Path) -> None:
    header = Header(format=1, created_at=datetime(2026, 1, 5, tzinfo=UTC), size_bytes=0, engines={}, settings={})
    pack(file, header.model_copy(update=changed), {}, progress=lambda *_: None)

    with pytest.raises(UserError, match=why):
        restored(tmp_path / "new", file)


def test_a_backup_of_older_engines_is_restored(state: Path, file: Path, tmp_path: Path) -> None:
    """Engines read the data of older ones, as after an upgrade in place."""
    members = {name: state / name for name in STORED}
    engines = {"kafka": "3.9.0", "cassandra": "4.1.3", "mariadb": "10.11.2"}
    header = Header(format=1, created_at=datetime(2026, 1, 5, tzinfo=UTC), size_bytes=0, engines=engines, settings={})
    pack(file, header, members, progress=lambda *_: None)

    restored(tmp_path / "new", file)

    assert contents_of(tmp_path / "new") == STORED | {backup.LOCK: ""}


def test_a_backup_names_the_settings_that_the_schema_remembers() -> None:
    """The restored installation refuses to work with other ones."""
    remembered = {"first_hour", "retention_days", "privacy", "attribution", "attribution_dl", "report_timezone"}

    assert remembered <= set(backup.SAME_SETTINGS)
