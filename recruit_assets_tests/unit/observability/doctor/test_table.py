"""What doctor prints: a line for each check, or JSON; and how it ends."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from recruit_assets.cli import doctor
from recruit_assets.cli.main import app
from recruit_assets.observability.doctor import Finding
from recruit_assets.observability.doctor.table import show
from recruit_assets.observability.doctor.verdict import Verdict, fail, ok, skipped, warn

FINE = Finding("Kafka", "reachable", ok("127.0.0.1:9092"))
BROKEN = Finding("MySQL", "clock", fail("it is [red] 90 s ahead", "keep both hosts on NTP"))


def lines(*findings: Finding, width: int = 80) -> list[str]:
    written = io.StringIO()
    show(findings, Console(file=written, width=width))
    return written.getvalue().rstrip().splitlines()


def test_each_check_is_one_line_however_long() -> None:
    long = Finding("MySQL", "tables", fail("x" * 300, "y" * 300))

    _, header, _, *rest = lines(FINE, BROKEN, long)

    assert header.split() == ["state", "subject", "check", "what", "was", "found", "what", "to", "do"]
    assert rest[0].split() == ["ok", "Kafka", "reachable", "127.0.0.1:9092"]
    assert "FAIL" in rest[1]
    assert "it is [red] 90 s ahead" in rest[1]
    assert rest[1].rstrip().endswith("keep both hosts on NTP")
    assert "x" * 300 in rest[2]
    assert rest[-1] == "2 failed, 0 warned; 1 ok, 0 not looked at"


def test_what_was_not_looked_at_for_the_same_reason_shares_a_line() -> None:
    hidden = [
        Finding("MySQL", name, skipped("not looked at: reachable failed")) for name in ("version", "clock", "lag")
    ]
    other = Finding("Kafka", "clock", skipped("not looked at: reachable failed"))

    rest = lines(FINE, *hidden, other)

    assert sum("not looked at: reachable failed" in line for line in rest) == 2
    assert any("version and 2 more" in line for line in rest)
    assert rest[-1] == "nothing is wrong; 1 ok, 4 not looked at"


def test_what_others_wrote_cannot_control_the_terminal() -> None:
    strange = Finding("Kafka", "consumer group", warn("client \x1b[2J\nok  everything", "stop it"))

    assert "client \\x1b[2J\\nok  everything" in "\n".join(lines(strange))


@pytest.mark.parametrize(
    ("verdict", "code"), [(ok("a"), 0), (skipped("not looked at"), 0), (warn("a", "b"), 1), (fail("a", "b"), 1)]
)
def test_the_exit_code_is_1_if_anything_is_wrong(verdict: Verdict, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_findings", lambda: [FINE, Finding("MySQL", "clock", verdict)])

    result = CliRunner().invoke(app, ["doctor", "--json"])

    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert document["healthy"] is (code == 0)
    assert document["checks"][1] == {
        "subject": "MySQL",
        "check": "clock",
        "state": verdict.state.value,
        "found": verdict.found,
        "remedy": verdict.remedy,
    }


def test_wrong_usage_ends_with_2() -> None:
    assert CliRunner().invoke(app, ["doctor", "--yaml"]).exit_code == 2


def test_an_invalid_setting_is_a_finding_and_only_the_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a wrong setting needs doctor most."""
    monkeypatch.setenv("RECRUIT_TIMEZONE", "Mars/Olympus")

    result = CliRunner().invoke(app, ["doctor", "--json"])

    assert result.exit_code == 1
    checks = json.loads(result.stdout)["checks"]
    settings = next(one for one in checks if (one["subject"], one["check"]) == ("settings", "values"))
    assert settings["state"] == "FAIL"
    assert settings["found"].startswith("Invalid setting: RECRUIT_TIMEZONE: ")
    elsewhere = [one for one in checks if one["subject"] not in ("this machine", "settings")]
    assert {(one["state"], one["found"]) for one in elsewhere} == {("skipped", "not looked at: a setting is invalid")}
    assert {"Kafka", "Cassandra", "MySQL", "Spark", "Dagster", "files"} <= {one["subject"] for one in elsewhere}
    assert next(one for one in checks if one["check"] == "Python")["state"] == "ok"
