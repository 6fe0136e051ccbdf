"""The files in docker/grafana match the code, keep their uids, and use only known metrics and data sources."""

import json
import re
from pathlib import Path

from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.observability.dashboards.write import texts
from recruit_assets_tests.support.grafana import FOLDER, dashboards, panel_queries

OPERATORS = (Path(__file__).parents[4] / "docs" / "operators.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\brecruit_\w+")
RULES = [rule for group in json.loads(texts()["provisioning/alerting/rules.json"])["groups"] for rule in group["rules"]]


def test_the_files_match_the_code() -> None:
    """`python -m recruit_assets.observability.dashboards` rewrites them."""
    assert {path: (FOLDER / path).read_text(encoding="utf-8") for path in texts()} == dict(texts())


def test_uids_do_not_change() -> None:
    assert [document["uid"] for document in dashboards()] == [
        "recruit-budgets",
        "recruit-health",
        "recruit-performance",
        "recruit-quality",
    ]
    assert [rule["uid"] for rule in RULES] == [
        "recruit-report-stale", "recruit-ingest-dead", "recruit-store-down", "recruit-dead-letters-growing",
        "recruit-dead-letter-share", "recruit-kafka-records-deleted", "recruit-kafka-log-replaced",
        "recruit-kafka-topic-unsafe", "recruit-checks-failing",
    ]  # fmt: skip


def test_every_queried_metric_is_documented() -> None:
    ingest = {sample.name for family in IngestMetrics().registry.collect() for sample in family.samples}
    known = set(METRIC.findall(OPERATORS)) | ingest
    expressions = [query.text for query in panel_queries("prometheus")]
    expressions += [rule["data"][0]["model"]["expr"] for rule in RULES]

    assert [text for text in expressions if not METRIC.findall(text)] == []
    assert [name for text in expressions for name in METRIC.findall(text) if name not in known] == []


def test_every_data_source_is_provisioned() -> None:
    provisioned = set(
        re.findall(r"uid: (\S+)", (FOLDER / "provisioning/datasources/recruit.yaml").read_text(encoding="utf-8"))
    )
    used = {panel["datasource"]["uid"] for document in dashboards() for panel in document["panels"]}
    used |= {step["datasourceUid"] for rule in RULES for step in rule["data"]} - {"__expr__"}

    assert used == provisioned == {"recruit_mysql", "recruit_prometheus"}


def test_the_only_password_is_an_environment_variable() -> None:
    datasources = (FOLDER / "provisioning/datasources/recruit.yaml").read_text(encoding="utf-8")

    assert re.findall(r"password: (\S+)", datasources) == ["$RECRUIT_ANALYST_PASSWORD"]


def test_panels_fill_the_grid_without_overlap() -> None:
    for document in dashboards():
        cells = [
            (x, y)
            for place in (panel["gridPos"] for panel in document["panels"])
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells))
        assert {x for x, _ in cells} == set(range(24))
