"""Output and exit code of `recruit-assets audit`."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from recruit_assets.cli.main import app
from recruit_assets.observability import audit
from recruit_assets.observability.audit import AuditResult, RuleResult, Span

SPAN = Span("t", ("0: 0 to 9",), 10, "2026-01-05 07:00:00.000", "2026-01-05 07:00:09.000")
TRIMMED = Span("t", ("0: 5 to 9",), 5, "a", "b", judged_from="2026-01-05 07:00:00.000", rows_not_judged=7)
EXACT = RuleResult("events", "events = rows", 1_000, 1_000, 0)
BROKEN = RuleResult("lag", "nothing lags [now]", 0, 1, 1, ("t/0: 1 offset [x]",))


def invoke(
    monkeypatch: pytest.MonkeyPatch, *findings: RuleResult, span: Span = SPAN, options: tuple[str, ...] = ()
) -> Result:
    def run_audit(settings: object, *, ledger: Path | None, progress: object) -> AuditResult:
        return AuditResult(span, findings)

    monkeypatch.setattr(audit, "run_audit", run_audit)
    return CliRunner().invoke(app, ["audit", *options])


def test_an_exact_audit_exits_with_0_and_names_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke(monkeypatch, EXACT)

    assert result.exit_code == 0
    assert "events" in result.stdout
    assert "1,000" in result.stdout
    assert (
        "About 10 records in Kafka topic t, received 2026-01-05 07:00:00.000 to 2026-01-05 07:00:09.000 UTC "
        "(partition: offsets 0: 0 to 9).\nexact\n"
    ) in result.stdout


def test_a_difference_exits_with_1_and_is_shown_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke(monkeypatch, EXACT, BROKEN)

    assert result.exit_code == 1
    assert "1 difference " in result.stdout
    assert "nothing lags [now]" in result.stdout
    assert "lag: t/0: 1 offset [x]\n" in result.stdout
    assert result.stdout.endswith("not exact: 1 rule broken\n")


def test_rows_older_than_kafkas_records_are_counted_as_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke(monkeypatch, EXACT, span=TRIMMED)
    assert (
        "The topic has dropped older records: rows without a record are judged from 2026-01-05 07:00:00.000 UTC on, "
        "7 older ones are taken as they are."
    ) in result.stdout


def test_json_contains_every_result(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoke(monkeypatch, EXACT, BROKEN, options=("--json",))

    assert result.exit_code == 1
    document = orjson.loads(result.stdout)
    assert (document["exact"], document["span"]["records"]) == (False, 10)
    assert document["findings"][1] == {
        "rule": "lag",
        "promise": "nothing lags [now]",
        "expected": 0,
        "found": 1,
        "differences": 1,
        "examples": ["t/0: 1 offset [x]"],
        "ok": False,
    }
