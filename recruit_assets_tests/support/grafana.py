"""The dashboards' queries as Grafana would send them, with macros and variables filled in.

The macros are those of Grafana's MySQL data source (pkg/tsdb/mysql/macros.go).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docker" / "grafana"
TIME_FILTER = re.compile(r"\$__timeFilter\((\w+)\)")
TIME_GROUP = re.compile(r"\$__timeGroup\((\w+), \$__interval\)")


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One panel's query; `everything` has the value of each dashboard variable while All is chosen."""

    dashboard: str
    panel: str
    text: str
    everything: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}"

    def expanded(
        self,
        start: datetime,
        end: datetime,
        *,
        interval_s: int = 3600,
        chosen: Mapping[str, Sequence[int]] | None = None,
    ) -> str:
        """The SQL for this range, and for the chosen members of each variable, by default all."""
        first, last = round(start.timestamp()), round(end.timestamp())
        sql = TIME_FILTER.sub(rf"\1 BETWEEN FROM_UNIXTIME({first}) AND FROM_UNIXTIME({last})", self.text)
        sql = TIME_GROUP.sub(rf"UNIX_TIMESTAMP(\1) DIV {interval_s} * {interval_s}", sql)
        sql = sql.replace("$__timeFrom()", f"FROM_UNIXTIME({first})").replace("$__timeTo()", f"FROM_UNIXTIME({last})")
        for name, everything in self.everything.items():
            members = ",".join(f"'{member}'" for member in (chosen or {}).get(name, ()))
            sql = sql.replace(f"${name}", members or everything)
        if "$" in sql:
            raise ValueError(f"{self} has an unknown macro or variable: {sql}")
        return sql


def dashboards() -> list[dict[str, Any]]:
    """The provisioned dashboards."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "dashboards").glob("*.json"))]


def panel_queries(source: str) -> list[PanelQuery]:
    """Every panel's query to a data source of this type."""
    return [query for document in dashboards() for query in _queries(document, source)]


def variable_queries() -> list[PanelQuery]:
    """The queries that fill the filters above the panels."""
    return [
        PanelQuery(document["uid"], f"variable {variable['name']}", variable["query"])
        for document in dashboards()
        for variable in document["templating"]["list"]
    ]


def _queries(document: dict[str, Any], source: str) -> Iterator[PanelQuery]:
    everything = {variable["name"]: variable["allValue"] for variable in document["templating"]["list"]}
    for panel in document["panels"]:
        for target in panel["targets"]:
            if target["datasource"]["type"] == source:
                text = target["rawSql" if source == "mysql" else "expr"]
                yield PanelQuery(document["uid"], panel["title"], text, everything)
