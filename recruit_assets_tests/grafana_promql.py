"""Part of `make check-grafana`: promtool checks every PromQL expression, and that each alert rule fires when it should.

Grafana evaluates an expression and compares the result with a threshold. Here both become one Prometheus rule, which
promtool runs on made-up series. Needs promtool (Debian's package is `prometheus`).
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from recruit_assets.observability.dashboards.alert_rules import RULES, AlertRule
from recruit_assets_tests.support.grafana import panel_queries

COMPARISONS = {"gt": ">", "lt": "<"}
LETTERS = 'recruit_dead_letters_total{reason="not_json"}'
SERIES = {
    "recruit-report-stale": [("recruit_report_freshness_seconds", "0+10x60", "0+120x60")],
    "recruit-ingest-dead": [("recruit_kafka_lag_age_seconds", "900+10x60", "0+60x60")],
    "recruit-store-down": [
        ('recruit_up{store="kafka"}', "1x60", "0x60"),
        ('recruit_up{store="mysql"}', "1x60", "1x60"),
    ],
    "recruit-dead-letters-growing": [(LETTERS, "5+1x60", "5+50x60")],
    "recruit-dead-letter-share": [
        (LETTERS, "5+40x60", "5+40x60"),
        ("recruit_kafka_committed_records_total", "0+1000x60", "0+300x60"),
    ],
    "recruit-kafka-records-deleted": [("recruit_ingest_trimmed_records_total", "3x60", "0+5x60")],
    "recruit-kafka-log-replaced": [("recruit_ingest_rewinds_total", "2x60", "0+1x60")],
    "recruit-kafka-topic-unsafe": [('recruit_kafka_topic_problems{setting="cleanup.policy"}', "_x60", "1x60")],
    "recruit-checks-failing": [('recruit_check_passed{asset="mysql_report",check="counts"}', "1x60", "0x60")],
}
"""Per rule: its series, and their values each minute of a good hour and of a bad one."""


def main() -> int:
    """0 if every expression is valid and every rule fires only in the bad hour; 2 without promtool."""
    if shutil.which("promtool") is None:
        print("promtool not found: install Debian's package `prometheus`")
        return 2
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "rules.yml", {"groups": [{"name": "recruit", "rules": [*_panels(), *map(_alert, RULES)]}]})
        tests = [_test(rule, hour) for rule in RULES for hour in (1, 2)]
        _write(folder / "tests.yml", {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests})
        commands = (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"])
        return max(subprocess.run(["promtool", *one], cwd=folder, check=False).returncode for one in commands)


def _panels() -> list[dict[str, object]]:
    return [{"record": f"panel{number}", "expr": one.text} for number, one in enumerate(panel_queries("prometheus"))]


def _alert(rule: AlertRule) -> dict[str, object]:
    expression = f"({rule.expression}) {COMPARISONS[rule.comparison]} {rule.threshold}"
    return {"alert": rule.uid, "expr": expression, "for": rule.pending_period}


def _test(rule: AlertRule, hour: int) -> dict[str, object]:
    """A test of the good hour (1) or the bad one (2)."""
    series = [{"series": one[0], "values": one[hour]} for one in SERIES[rule.uid]]
    expected = [] if hour == 1 else [{"exp_labels": dict[str, str]()}]
    return {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [{"eval_time": "60m", "alertname": rule.uid, "exp_alerts": expected}],
    }


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
