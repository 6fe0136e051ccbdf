"""`recruit-assets import` and `import-jobs` on real engines: each row becomes one event, however often it is sent."""

import csv
import json
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table
from typer.testing import CliRunner, Result

from recruit_assets.cli.main import app
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.importer.load import CHECKPOINT_CHUNKS, CHUNK_ROWS, open_importer
from recruit_assets.importer.source import source_of
from recruit_assets.ingest.service import drain, topic_ends
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.builders import an_event
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
Fields = Mapping[str, object]
Write = Callable[[Path, Sequence[Fields]], Path]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def require_done(done: Result) -> str:
    """What the command said; AssertionError unless it succeeded."""
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stderr


def write_csv(path: Path, rows: Sequence[Fields]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Sequence[Fields]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_parquet(path: Path, rows: Sequence[Fields]) -> Path:
    times = [datetime.fromisoformat(str(row["ts"])) for row in rows]
    table = pa.Table.from_pylist([dict(row) for row in rows])
    write_table(table.set_column(table.column_names.index("ts"), "ts", pa.array(times, pa.timestamp("ms"))), path)
    return path


def clicks(count: int) -> list[Fields]:
    """Clicks without create_time, ten a second from 7:00 on."""
    return [
        {"ts": f"{SEVEN + timedelta(seconds=number // 10):%Y-%m-%d %H:%M:%S}", "custom_track": "click", "job_id": 1}
        for number in range(count)
    ]


def stored(settings: Settings, columns: str = "create_time") -> list[tuple[object, ...]]:
    """Every event in Cassandra, after Kafka is drained."""
    drain(settings)
    with open_session(settings) as session:
        return sorted(session.execute(f"SELECT {columns} FROM {settings.cassandra_keyspace}.raw_events"), key=str)


def sent(settings: Settings) -> int:
    return sum(topic_ends(settings).values())


def recorded(settings: Settings) -> list[tuple[int, int]]:
    """Rows done of each import, and whether it is finished."""
    with open_report_database(settings) as database:
        rows = database.query("SELECT rows_done, finished_at IS NOT NULL FROM imports")
    return [(int(rows_done), int(is_finished)) for rows_done, is_finished in rows]


@pytest.mark.parametrize(
    ("name", "write"),
    [("events.csv", write_csv), ("events.jsonl", write_jsonl), ("events.parquet", write_parquet)],
)
def test_each_format_lands_in_raw_events(settings: Settings, tmp_path: Path, name: str, write: Write) -> None:
    times = [SEVEN + timedelta(seconds=number) for number in range(300)]
    rows = [an_event(at, seed=number, bid=number, shop="é") for number, at in enumerate(times)]
    done = run("import", write(tmp_path / name, rows))

    assert "events sent: 300," in require_done(done)
    assert "kept as unknown fields: shop (rows: 300)" in done.stdout
    found = stored(settings, "create_time, toUnixTimestamp(event_time), custom_track, job_id, bid, extra")
    assert sorted((str(key), *values) for key, *values in found) == sorted(
        (row["create_time"], round(at.timestamp() * 1000), "click", 1, row["bid"], '{"shop":"é"}')
        for at, row in zip(times, rows, strict=True)
    )


def test_a_dry_run_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    done = run("import", write_csv(tmp_path / "events.csv", clicks(10)), "--dry-run")

    assert "rows: 10, events: 10" in done.stdout
    assert (sent(settings), recorded(settings)) == (0, [])


def test_the_same_content_is_imported_twice_only_if_asked_for(settings: Settings, tmp_path: Path) -> None:
    """Sent again, each row is the same event, though the file has no create_time."""
    first = write_csv(tmp_path / "events.csv", clicks(100))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(first.read_bytes())
    require_done(run("import", first))
    before = stored(settings)

    refused = run("import", copy)
    assert isinstance(refused.exception, UserError)
    assert "copy.csv (events.csv) was imported at" in str(refused.exception)
    assert sent(settings) == 100

    require_done(run("import", copy, "--again"))
    assert sent(settings) == 200
    assert stored(settings) == before
    assert len(before) == 100


def test_a_killed_import_goes_on_and_every_row_is_one_event(settings: Settings, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "events.csv", clicks(70_000))
    process = subprocess.Popen([*RECRUIT_ASSETS, "import", str(file)])  # the fixture exported the settings
    wait_until(lambda: process.poll() is not None or is_half_done(settings), 120, what="half of the import")
    process.kill()
    process.wait(30)
    ((rows_done, is_finished),) = recorded(settings)
    assert (rows_done >= 20_000, is_finished) == (True, 0)

    said = require_done(run("import", file))

    assert f"events sent: {70_000 - rows_done:,}," in said
    assert f"rows done before: {rows_done:,}" in said
    assert recorded(settings) == [(70_000, 1)]
    assert len(stored(settings)) == 70_000
    assert 70_000 <= sent(settings) <= 70_000 + CHECKPOINT_CHUNKS * CHUNK_ROWS


def is_half_done(settings: Settings) -> bool:
    return any(rows_done for rows_done, _ in recorded(settings))


def test_an_interrupted_import_exits_with_130_and_sends_no_row_twice(settings: Settings, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "events.csv", clicks(70_000))
    process = subprocess.Popen([*RECRUIT_ASSETS, "import", str(file)])
    wait_until(lambda: process.poll() is not None or is_half_done(settings), 120, what="half of the import")
    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 130
    ((rows_done, _),) = recorded(settings)
    assert sent(settings) == rows_done
    require_done(run("import", file))
    assert sent(settings) == 70_000


def test_an_import_goes_on_with_the_same_options_only(settings: Settings, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "events.csv", clicks(10))
    require_done(run("import", file))
    with open_report_database(settings) as database:
        database.query("UPDATE imports SET rows_done = 5, finished_at = NULL")

    other = run("import", file, "--map", "job_id=group_id")
    assert isinstance(other.exception, UserError)
    assert "the import of events.csv was begun with other options" in str(other.exception)
    assert "events sent: 5," in require_done(run("import", file))


def test_if_a_row_is_refused_nothing_is_sent_unless_asked_for(settings: Settings, tmp_path: Path) -> None:
    """The refused rows can be corrected in their own file, and imported by themselves."""
    rows = [*clicks(20), {**clicks(1)[0], "job_id": "seven"}]
    file = write_csv(tmp_path / "events.csv", rows)

    stopped = run("import", file)
    assert (stopped.exit_code, sent(settings), recorded(settings)) == (1, 0, [])
    assert "line 22: job_id: wanted a whole number, found a string 'seven'" in stopped.stdout

    said = require_done(run("import", file, "--skip-refused"))
    assert "events sent: 20," in said
    rejected = tmp_path / "events.csv.rejected.jsonl"
    assert "refused rows: 1, in" in said
    assert json.loads(rejected.read_text())["_rejected"] == {
        "line": 22,
        "reason": "wrong_type",
        "message": "job_id: wanted a whole number, found a string 'seven'",
    }
    rejected.write_text(rejected.read_text().replace('"job_id":"seven"', '"job_id":"7"'))
    require_done(run("import", rejected))
    assert stored(settings, "job_id") == [(1,)] * 20 + [(7,)]


def test_a_file_that_grows_meanwhile_is_not_sent(settings: Settings, tmp_path: Path) -> None:
    """Its rows would get another create_time in the grown file, and count twice."""
    file = write_csv(tmp_path / "events.csv", clicks(10))

    def grow(_name: str, _done: int, _total: int) -> None:
        with file.open("a") as more:
            more.write("2026-01-05 07:00:00,click,1\n")

    importer = open_importer(settings, source_of(file, format=None, max_bytes=settings.max_event_bytes), progress=grow)
    with pytest.raises(UserError, match=r"events.csv changed while it was read"):
        importer.run()
    assert (sent(settings), recorded(settings)) == (0, [])


def test_jobs_are_updated_in_the_columns_of_the_file(settings: Settings, tmp_path: Path) -> None:
    whole = [{"id": 1, "company_id": 10, "title": "Köchin"}, {"id": 2, "company_id": 20, "title": "Koch"}]
    require_done(run("import-jobs", write_csv(tmp_path / "jobs.csv", whole)))
    moved = write_csv(tmp_path / "moved.csv", [{"job": 2, "company_id": 10}, {"job": 3, "company_id": ""}])

    assert "jobs stored: 2" in require_done(run("import-jobs", moved, "--map", "job=id"))
    assert jobs(settings) == [(1, 10, "Köchin"), (2, 10, "Koch"), (3, None, None)]


def test_budgets_are_stored_whole_or_not_at_all(settings: Settings, tmp_path: Path) -> None:
    first = [{"scope": "job", "id": 1, "month": "2026-03", "amount": "10.5"}]
    require_done(run("import-budgets", write_csv(tmp_path / "budgets.csv", first)))
    more = [{**first[0], "amount": 20}, {**first[0], "scope": "campaign"}]
    assert "budgets stored: 2" in require_done(run("import-budgets", write_csv(tmp_path / "more.csv", more)))
    bad = run(
        "import-budgets", write_csv(tmp_path / "bad.csv", [{**first[0], "id": 2}, {**first[0], "month": "March"}])
    )

    assert bad.exit_code == 1
    assert "line 3: month: wanted a month such as 2026-11, or its first day, found a string 'March'" in bad.stdout
    with open_report_database(settings) as database:
        found = database.query("SELECT scope, id, month, amount FROM budget ORDER BY scope")
    assert found == [("campaign", 1, date(2026, 3, 1), 10.5), ("job", 1, date(2026, 3, 1), 20.0)]


def test_if_a_job_is_refused_none_is_stored(settings: Settings, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "jobs.csv", [{"id": 1, "company_id": 10}, {"id": 2, "company_id": 2**31}])
    done = run("import-jobs", file)

    assert (done.exit_code, jobs(settings)) == (1, [])
    assert "line 3: company_id: wanted a 32-bit integer" in done.stdout


def jobs(settings: Settings) -> list[tuple[object, ...]]:
    with open_report_database(settings) as database:
        return database.query("SELECT id, company_id, title FROM job ORDER BY id")


def test_imported_events_are_in_the_report_with_their_companies(
    settings: Settings, frames: CassandraFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    require_done(run("import", write_csv(tmp_path / "events.csv", clicks(40_000))))
    require_done(run("import-jobs", write_csv(tmp_path / "jobs.csv", [{"id": 1, "company_id": 10}])))

    materialize_pending(build_defs(settings=settings), settings)

    with open_report_database(settings) as database:
        found = database.query("SELECT hours, job_id, company_id, clicks FROM mysql_report ORDER BY hours")
    assert found == [(7, 1, 10, 36_000), (8, 1, 10, 4_000)]


def test_the_commands_of_the_page_lead_from_two_files_to_the_report(
    settings: Settings, frames: CassandraFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    page = (REPOSITORY / "docs" / "import.md").read_text(encoding="utf-8").partition("## What the file must have")[0]
    commands = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    files = [command for command in commands if command.startswith("printf")]
    # engines are running
    rest = [command for command in commands if command.startswith("recruit-assets") and "engines start" not in command]
    alias = f'recruit-assets() {{ {shlex.join(RECRUIT_ASSETS)} "$@"; }}'

    subprocess.run(["bash", "-e", "-c", "\n".join([alias, *files, *rest])], cwd=tmp_path, check=True, timeout=250)

    with open_report_database(settings) as database:
        found = database.query(
            "SELECT hours, job_id, company_id, publisher_id, clicks, conversion, bid_set FROM mysql_report"
        )
    assert found == [(7, 1, 10, 2, 1, 1, 40.0)]
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
