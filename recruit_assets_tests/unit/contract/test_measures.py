"""Each measure is declared once: only the contract and the simulator contain its column names and action."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import recruit_assets
from recruit_assets.contract.measures import ACTION_SPELLINGS, COUNTS, KPIS, MEANS, MEASURES
from recruit_assets.contract.tables import BUCKET_METRICS, HOURLY_JOB_METRICS, MYSQL_REPORT
from recruit_assets.contract.types import CassandraTable, Type

PACKAGE = Path(recruit_assets.__file__).parent
ROOMS = ("contract", "simulator")
"""The declarations, and the ledger, which has its own names on purpose."""
CHOSEN = dict.fromkeys(
    ("observability/dashboards/performance.py", "observability/dashboards/quality.py"),
    "its panels choose what they show, and its texts are prose",
)
COLUMNS = (
    {measure.column for measure in MEASURES}
    | {measure.report_column for measure in MEASURES}
    | {mean.report_column for mean in MEANS}
    | ACTION_SPELLINGS.keys()
)
NAMES = {measure.name for measure in MEASURES}
"""Columns of the views. Some are common words, so only a string that equals one counts."""


def spelt(source: str) -> Iterator[str]:
    """String literals of the module that name a measure's column or action, without docstrings."""
    tree = ast.parse(source)
    prose = {statement.value for statement in ast.walk(tree) if isinstance(statement, ast.Expr)}
    columns = re.compile(rf"\b({'|'.join(COLUMNS)})\b")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(text := node.value, str) and node not in prose:
            yield from [text] if columns.search(text) or text in NAMES else []


def test_no_measure_is_named_outside_its_declaration() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): texts
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ROOMS and (texts := list(spelt(path.read_text(encoding="utf-8"))))
    }

    assert {path: texts for path, texts in found.items() if path not in CHOSEN} == {}


def test_the_pages_template_names_no_measure() -> None:
    template = (PACKAGE / "observability" / "report_page" / "page.html.jinja").read_text(encoding="utf-8")

    expressions = " ".join(re.findall(r"\{[{%].*?[}%]\}", template))
    assert re.findall(rf"\b({'|'.join(COLUMNS | NAMES)})\b", expressions) == []


@pytest.mark.parametrize(
    "source",
    ['SQL = "SELECT SUM(clicks) FROM t"', 'f"{table}.bid_sum"', 'name = "spend"', 'if track == "unqualified": ...'],
)
def test_a_measure_that_is_named_elsewhere_is_found(source: str) -> None:
    assert len(list(spelt(source))) == 1


def test_an_action_is_declared_once() -> None:
    spellings = [spelling for count in COUNTS for spelling in count.spellings]

    assert sorted(spellings) == sorted(ACTION_SPELLINGS)
    assert ACTION_SPELLINGS == {
        "click": "click",
        "clicks": "click",
        "conversion": "conversion",
        "qualified": "qualified",
        "unqualified": "unqualified",
    }


@pytest.mark.parametrize("table", [BUCKET_METRICS, HOURLY_JOB_METRICS], ids=lambda table: table.name)
def test_the_metrics_tables_have_every_measure_in_64_bits(table: CassandraTable) -> None:
    assert [(column.name, column.type) for column in table.columns[-6:]] == [
        ("clicks", Type.BIGINT),
        ("conversion", Type.BIGINT),
        ("qualified", Type.BIGINT),
        ("unqualified", Type.BIGINT),
        ("bid_sum", Type.BIGINT),
        ("latest_received_at", Type.TIMESTAMP),
    ]


def test_a_rows_counts_add_up_to_its_events() -> None:
    assert HOURLY_JOB_METRICS.events_in == BUCKET_METRICS.events_in
    assert HOURLY_JOB_METRICS.events_in == ("clicks", "conversion", "qualified", "unqualified")
    assert MYSQL_REPORT.events_in == ("clicks", "conversion", "qualified_application", "disqualified_application")


def test_every_name_is_used_once() -> None:
    """In views and metadata, measures and ratios differ only in their names."""
    names = [measure.name for measure in MEASURES] + [kpi.name for kpi in KPIS]
    assert len(names) == len(set(names))
