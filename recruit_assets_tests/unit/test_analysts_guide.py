"""docs/analysts.md matches the analyst model: views, columns, ratios, relationships and Power BI's measures."""

import json
from pathlib import Path

from recruit_assets.contract.analyst_model import DIM_DATE, DIMENSION_VIEWS, FACT, VIEWS
from recruit_assets.contract.measures import KPIS

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "analysts.md").read_text(encoding="utf-8").splitlines()


def test_every_view_is_named() -> None:
    assert [view.name for view in VIEWS if f"`{view.name}`" not in "\n".join(GUIDE)] == []


def test_the_fact_view_is_described_column_by_column() -> None:
    start = GUIDE.index("| column | meaning |") + 2

    assert GUIDE[start : start + len(FACT.columns) + 1] == [
        *(f"| `{column.name}` | {column.description} |" for column in FACT.columns), "",
    ]  # fmt: skip


def test_every_ratio_is_defined() -> None:
    start = GUIDE.index("| name | meaning | is |") + 2

    ratios = ((kpi, f"`{kpi.numerator.name}` / `{kpi.denominator.name}`") for kpi in KPIS)
    assert GUIDE[start : start + len(KPIS) + 1] == [
        *(f"| `{kpi.name}` | {kpi.description} | {ratio} |" for kpi, ratio in ratios), "",
    ]  # fmt: skip


def test_power_bi_has_the_stars_relationships() -> None:
    keys = {DIM_DATE.name: "date"} | {view.name: dimension.key for dimension, view in DIMENSION_VIEWS.items()}

    assert [line for line in GUIDE if line.startswith(f"| `{FACT.name}[")] == [
        f"| `{FACT.name}[{key}]` to `{view}[{key}]` |" for view, key in keys.items()
    ]


def test_power_bi_has_the_views_ratios_as_measures() -> None:
    assert [line for line in GUIDE if "DIVIDE(" in line] == [
        f"{kpi.name} = DIVIDE(SUM({FACT.name}[{kpi.numerator.name}]), SUM({FACT.name}[{kpi.denominator.name}]))"
        for kpi in KPIS
    ]


def test_power_bi_imports_through_the_mysql_connector() -> None:
    (connection,) = json.loads((DOCS / "recruit.pbids").read_text(encoding="utf-8"))["connections"]

    assert connection["mode"] == "Import"
    assert connection["details"]["protocol"] == "mysql"
    assert connection["details"]["address"].keys() == {"server", "database"}
