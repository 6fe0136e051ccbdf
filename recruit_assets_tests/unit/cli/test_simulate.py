"""`recruit-assets simulate` to a file."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from recruit_assets.cli.simulate import simulate
from recruit_assets.runtime.errors import UserError


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(simulate)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_file_and_its_ledger_are_written(tmp_path: Path) -> None:
    lines, ledger = tmp_path / "events.jsonl", tmp_path / "ledger.json"
    result = run("--events", 300, "--seed", 5, "--end", "2026-01-06", "--jsonl", lines, "--ledger", ledger)

    assert result.exit_code == 0
    assert "sent 300 records" in result.stderr
    assert len(lines.read_bytes().splitlines()) == 300
    assert json.loads(ledger.read_bytes())["counts"]["records"] == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--malformed", "never=1"], "--malformed must be REASON=SHARE with one of empty, .*, not never=1"),
        (["--malformed", "future"], "--malformed must be REASON=SHARE"),
        (["--events", "-1"], "--events must be 0"),
        (["--jsonl", "/no/such/directory/events.jsonl"], "can't write /no/such/directory/events.jsonl: No such file"),
    ],
)
def test_invalid_options_are_user_errors(arguments: list[str], message: str) -> None:
    result = run(*arguments)

    assert isinstance(result.exception, UserError)
    with pytest.raises(UserError, match=message):
        raise result.exception


def test_a_failed_run_removes_the_ledger_of_an_earlier_run(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    ledger.write_text("{}")
    run("--jsonl", tmp_path / "none" / "events.jsonl", "--ledger", ledger)

    assert not ledger.exists()
