"""Panels, variables and dashboards as the JSON that Grafana reads.

`make check-grafana` compares the result with the types that Grafana publishes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
GRID_COLUMNS = 24
SCHEMA_VERSION = 41
# the data sources of docker/grafana/provisioning/datasources
MYSQL: Json = {"type": "mysql", "uid": "recruit_mysql"}
PROMETHEUS: Json = {"type": "prometheus", "uid": "recruit_prometheus"}

_LEGEND: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_LAST_VALUE: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
OPTIONS: dict[str, Json] = {
    "stat": {"reduceOptions": _LAST_VALUE, "graphMode": "none", "colorMode": "value", "textMode": "value_and_name"},
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "bargauge": {
        "reduceOptions": _LAST_VALUE, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True,
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Panels in reading order, placed in rows from left to right. Links use the uid, so it must not change."""

    uid: str
    title: str
    description: str
    time_from: str
    refresh: str
    panels: Sequence[Json]
    variables: Sequence[Json] = ()

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
            "templating": {"list": self.variables},
            "panels": list(_placed(self.panels)),
        }


def sql(text: str, *, series: bool = False) -> Json:
    """A query to MySQL; a series needs a column `time`."""
    return {
        "refId": "A",
        "datasource": MYSQL,
        "format": "time_series" if series else "table",
        "rawQuery": True,
        "editorMode": "code",
        "rawSql": text,
    }


def promql(expression: str, *, series: bool = False, legend: str = "__auto") -> Json:
    """A query to Prometheus: the value now, or a series. The legend may contain labels, such as `{{store}}`."""
    return {
        "refId": "A",
        "datasource": PROMETHEUS,
        "range": series,
        "instant": not series,
        "expr": expression,
        "legendFormat": legend,
        "format": "time_series",
    }


def panel(
    title: str,
    kind: Literal["stat", "timeseries", "bargauge", "table"],
    query: Json,
    *,
    description: str = "",
    width: int = GRID_COLUMNS,
    height: int = 8,
    unit: str = "short",
    unit_of: Sequence[tuple[str, str]] = (),
    red_below: int | None = None,
) -> Json:
    """A panel of one query. `unit_of` has (column, unit) of the columns whose unit is not `unit`."""
    defaults: Json = {"unit": unit, "min": 0}
    if red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": red_below}]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    overrides = [
        {"matcher": {"id": "byName", "options": column}, "properties": [{"id": "unit", "value": own}]}
        for column, own in unit_of
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": query["datasource"],
        "gridPos": {"h": height, "w": width},
        "interval": "1h" if query["datasource"] == MYSQL else "15s",
        "targets": [query],
        "options": OPTIONS[kind],
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
    }


def variable(name: str, *, key: str, query: str) -> Json:
    """A filter above the panels. "All" is inserted as `key`: `key IN (key)` is true for every row and costs nothing."""
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": MYSQL,
        "query": query,
        "refresh": 1,
        "multi": True,
        "includeAll": True,
        "allValue": key,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _placed(panels: Sequence[Json]) -> Iterator[Json]:
    x = y = row_height = 0
    for id, one in enumerate(panels, start=1):
        size = one["gridPos"]
        if x + size["w"] > GRID_COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        yield {"id": id} | one | {"gridPos": size | {"x": x, "y": y}}
        x, row_height = x + size["w"], max(row_height, size["h"])
