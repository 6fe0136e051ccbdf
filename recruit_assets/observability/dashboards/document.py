"""Panels, variables and dashboards, and the JSON that Grafana reads of them.

Belongs here: Grafana's format. `make check-grafana` holds it to the types that Grafana publishes. Not here: what is
shown (`performance`, `health`), alert rules (`alert_rules`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Json = dict[str, object]
COLUMNS = 24
"""The width of a dashboard in Grafana's grid."""
SCHEMA_VERSION = 41


class Source(Enum):
    """A provisioned data source, by Grafana's type; its uid is in docker/grafana/provisioning/datasources."""

    MYSQL = "mysql"
    PROMETHEUS = "prometheus"

    @property
    def reference(self) -> Json:
        return {"type": self.value, "uid": f"recruit_{self.value}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a panel asks: SQL or PromQL. A series has a column `time`; a legend names PromQL's labels."""

    text: str
    source: Source = Source.MYSQL
    series: bool = False
    legend: str = "__auto"

    def as_json(self) -> Json:
        common: Json = {"refId": "A", "datasource": self.source.reference}
        if self.source is Source.MYSQL:
            shape = "time_series" if self.series else "table"
            return common | {"format": shape, "rawQuery": True, "editorMode": "code", "rawSql": self.text}
        shown: Json = {"range": True, "instant": False} if self.series else {"range": False, "instant": True}
        return common | shown | {"expr": self.text, "legendFormat": self.legend, "format": "time_series"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A picture of one query; `units` are of single fields, by Grafana's names of units."""

    title: str
    kind: Literal["stat", "timeseries", "bargauge", "table"]
    query: Query
    description: str = ""
    width: int = COLUMNS
    height: int = 8
    unit: str = "short"
    units: tuple[tuple[str, str], ...] = ()
    lowest_good: int | None = None
    """Below it a value is shown in red."""

    def as_json(self, *, id: int, x: int, y: int) -> Json:
        return {
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": self.query.source.reference,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "interval": "1h" if self.query.source is Source.MYSQL else "15s",
            "targets": [self.query.as_json()],
            "options": OPTIONS[self.kind],
            "fieldConfig": {"defaults": self._defaults(), "overrides": [self._override(*one) for one in self.units]},
        }

    def _defaults(self) -> Json:
        if self.lowest_good is None:
            return {"unit": self.unit, "min": 0}
        steps: list[Json] = [{"color": "red", "value": None}, {"color": "green", "value": self.lowest_good}]
        thresholds: Json = {"mode": "absolute", "steps": steps}
        return {"unit": self.unit, "min": 0, "thresholds": thresholds, "color": {"mode": "thresholds"}}

    @staticmethod
    def _override(field: str, unit: str) -> Json:
        return {"matcher": {"id": "byName", "options": field}, "properties": [{"id": "unit", "value": unit}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice of members above the panels. All of them is `key IN (key)`, which costs a query nothing."""

    name: str
    key: str
    query: str

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "label": self.name.capitalize(),
            "type": "query",
            "datasource": Source.MYSQL.reference,
            "query": self.query,
            "refresh": 1,
            "multi": True,
            "includeAll": True,
            "allValue": self.key,
            "current": {"text": ["All"], "value": ["$__all"]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Panels in reading order, filled into rows from the left; the uid is part of links to it and stays."""

    uid: str
    title: str
    description: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    time_from: str
    refresh: str

    def as_json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["recruit"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "timezone": "utc",
            "time": {"from": self.time_from, "to": "now"},
            "refresh": self.refresh,
            "templating": {"list": [variable.as_json() for variable in self.variables]},
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[Json]:
        x = y = height = 0
        for id, panel in enumerate(self.panels, start=1):
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            yield panel.as_json(id=id, x=x, y=y)
            x, height = x + panel.width, max(height, panel.height)


_LEGEND: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_REDUCE: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
OPTIONS: dict[str, Json] = {
    "stat": {"reduceOptions": _REDUCE, "graphMode": "none", "colorMode": "value", "textMode": "value_and_name"},
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "bargauge": {"reduceOptions": _REDUCE, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
