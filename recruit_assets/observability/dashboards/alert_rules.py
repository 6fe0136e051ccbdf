"""Grafana's alert rules: what someone has to look at, with the threshold and the first step.

Belongs here: rules, in the format of Grafana's provisioning. Metrics are those of docs/operators.md.
"""

from dataclasses import dataclass
from typing import Literal

from recruit_assets.observability.dashboards.document import Json, Source
from recruit_assets.observability.dashboards.health import HEALTH

STALE_AFTER_S = 1800
DEAD_LETTERS_IN_15_MIN = 100
"""A few come from every site; a bad release of a tracker sends thousands."""
QUERY_RANGE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Fires when the expression's value has been beyond the threshold for the time `lasting`."""

    uid: str
    title: str
    expression: str
    comparison: Literal["gt", "lt"]
    threshold: int
    lasting: str
    without_data: Literal["OK", "Alerting"]
    next_step: str

    def as_json(self) -> Json:
        query: Json = {"refId": "A", "expr": self.expression, "instant": True, "range": False}
        evaluator: Json = {"type": self.comparison, "params": [self.threshold]}
        condition: Json = {
            "refId": "B", "type": "threshold", "expression": "A", "conditions": [{"evaluator": evaluator}],
        }  # fmt: skip
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "B",
            "data": [_step(query, Source.PROMETHEUS.reference["uid"]), _step(condition, "__expr__")],
            "for": self.lasting,
            "noDataState": self.without_data,
            "execErrState": "Alerting",
            "labels": {"service": "recruit"},
            "annotations": {"summary": self.title, "description": self.next_step, "__dashboardUid__": HEALTH.uid},
        }


RULES = (
    AlertRule(
        uid="recruit-report-stale",
        title="The report is stale",
        expression="recruit_report_freshness_seconds",
        comparison="gt",
        threshold=STALE_AFTER_S,
        lasting="5m",
        without_data="Alerting",  # the platform that would tell is down
        next_step="Is the sensor on, do its runs succeed? `recruit-assets materialize` does what is pending.",
    ),
    AlertRule(
        uid="recruit-dead-letters-growing",
        title="Dead letters are growing",
        expression="sum(increase(recruit_dead_letters_total[15m]))",
        comparison="gt",
        threshold=DEAD_LETTERS_IN_15_MIN,
        lasting="0s",
        without_data="OK",
        next_step="`recruit-assets dead-letters list` shows them by reason; `replay` sends them again.",
    ),
    AlertRule(
        uid="recruit-checks-failing",
        title="A check of the data fails",
        expression="min(recruit_check_passed)",
        comparison="lt",
        threshold=1,
        lasting="0s",
        without_data="OK",  # nothing has been checked yet
        next_step="The asset's checks in Dagster say what was expected and found; `recruit-assets audit` recounts all.",
    ),
)


def as_document() -> Json:
    """The file that Grafana's provisioning reads."""
    group: Json = {"orgId": 1, "name": "recruit", "folder": "Recruit", "interval": "1m"}
    return {"apiVersion": 1, "groups": [group | {"rules": [rule.as_json() for rule in RULES]}]}


def _step(model: Json, datasource: object) -> Json:
    range: Json = {"from": QUERY_RANGE_S, "to": 0}
    return {"refId": model["refId"], "datasourceUid": datasource, "relativeTimeRange": range, "model": model}
