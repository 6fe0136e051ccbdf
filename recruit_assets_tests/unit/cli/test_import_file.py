"""`recruit-assets import --dry-run` and `import-jobs --dry-run`, which need no store."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recruit_assets.cli.main import app
from recruit_assets.runtime.errors import UserError

ROWS = "when,job,publisher,action\n2026-01-05 07:30:00,1,2,click\n2026-01-05 08:00:00,1,2,scroll\n"
MAP = ("--map", "when=ts", "--map", "job=job_id", "--map", "publisher=publisher_id", "--map", "action=custom_track")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def a_file(folder: Path, content: str, name: str = "events.csv") -> str:
    path = folder / name
    path.write_text(content)
    return str(path)


def test_a_dry_run_reports_what_is_in_the_file_and_writes_nothing(tmp_path: Path) -> None:
    done = run("import", a_file(tmp_path, ROWS), *MAP, "--dry-run")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "rows: 2, events: 2, refused: 0",
        "countable: 1",
        "hour (UTC)            rows   countable",
        "2026-01-05 07:00         1           1",
        "2026-01-05 08:00         1           0",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_a_dry_run_with_refused_rows_fails_and_names_them(tmp_path: Path) -> None:
    done = run("import", a_file(tmp_path, ROWS + "yesterday,1,2,click\n"), *MAP, "--dry-run", "--skip-refused")

    assert done.exit_code == 1
    assert "  line 4: ts: wanted YYYY-MM-DD HH:MM:SS, found 'yesterday'" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_what_a_row_quotes_can_not_control_the_terminal(tmp_path: Path) -> None:
    done = run("import", a_file(tmp_path, ROWS + "\x1b[2J,1,2,click\n"), *MAP, "--dry-run")

    assert "\x1b" not in done.stdout
    assert "x1b[2J" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "has neither create_time nor ts"),
        (["--map", "time=ts"], "has no column time, which --map names; it has when, job, publisher, action"),
        (["--map", "when=ts", "--key", "job", "--map", "job="], "--key job is a column that --map leaves out"),
        (["--format", "parquet"], "isn't a Parquet file"),
    ],
)
def test_options_that_do_not_fit_the_file_are_user_errors(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run("import", a_file(tmp_path, ROWS), *arguments, "--dry-run")

    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)


def test_a_missing_file_is_a_wrong_argument(tmp_path: Path) -> None:
    assert run("import", str(tmp_path / "none.csv")).exit_code == 2


def test_a_dry_run_of_jobs_reports_them(tmp_path: Path) -> None:
    good = run("import-jobs", a_file(tmp_path, "id,company_id,x\n1,10,a\n2,20,b\n", "jobs.csv"), "--dry-run")
    bad = run("import-jobs", a_file(tmp_path, "id,company_id\n1,ten\n", "jobs.csv"), "--dry-run")

    assert (good.exit_code, good.stdout.splitlines()) == (
        0,
        ["jobs: 2, with company_id", "left out, since the dimension has no such columns: x"],
    )
    assert (bad.exit_code, bad.stdout.splitlines()[1:]) == (
        1,
        ["refused, wrong_type: 1", "  line 2: company_id: wanted a whole number, found a string 'ten'"],
    )
