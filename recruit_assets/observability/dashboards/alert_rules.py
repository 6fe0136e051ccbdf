"""Grafana's alert rules: what needs attention, from which threshold, and what to do first.

The metrics are those of docs/operators.md.
"""

from dataclasses import dataclass
from typing import Literal

from recruit_assets.observability.conditions import DEAD_LETTER_SHARE, FEWEST_DEAD_LETTERS
from recruit_assets.observability.dashboards.document import PROMETHEUS, Json
from recruit_assets.observability.dashboards.health import HEALTH

STALE_AFTER_S = 1800
DEAD_LETTERS_IN_15_MIN = 100
"""Every site causes a few; a faulty tracker release causes thousands."""
NO_PROGRESS_S = 270
"""Growth within 5 minutes: the record that has waited longest is still the same, but for the time between scrapes."""
QUERY_RANGE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Fires once the value has been beyond the threshold for `pending_period`."""

    uid: str
    title: str
    expression: str
    comparison: Literal["gt", "lt"]
    threshold: int
    pending_period: str
    no_data: Literal["OK", "Alerting"]
    next_step: str

    def as_json(self) -> Json:
        query = {"refId": "A", "expr": self.expression, "instant": True, "range": False}
        evaluator = {"type": self.comparison, "params": [self.threshold]}
        condition = {"refId": "B", "type": "threshold", "expression": "A", "conditions": [{"evaluator": evaluator}]}
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "B",
            "data": [_step(query, PROMETHEUS["uid"]), _step(condition, "__expr__")],
            "for": self.pending_period,
            "noDataState": self.no_data,
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
        pending_period="5m",
        no_data="Alerting",  # the metrics service, which would report it, is down
        next_step="If recruit_kafka_lag_age_seconds is as high, ingest is behind: see its log. Otherwise check that "
        "the sensor is on and that its runs succeed. `recruit-assets materialize` processes every pending hour.",
    ),
    AlertRule(
        uid="recruit-ingest-dead",
        title="Ingest doesn't store what Kafka holds",
        expression="max(delta(recruit_kafka_lag_age_seconds[5m]))",
        comparison="gt",
        threshold=NO_PROGRESS_S,
        pending_period="0s",
        no_data="OK",  # Kafka can't be read: the next rule
        next_step="recruit_kafka_group_members says whether it runs, its log why it doesn't get on. Events are lost "
        "once Kafka's retention is over.",
    ),
    AlertRule(
        uid="recruit-store-down",
        title="A store doesn't answer",
        expression="min(recruit_up)",
        comparison="lt",
        threshold=1,
        pending_period="5m",
        no_data="Alerting",  # the metrics service is down
        next_step="The label `store` of recruit_up names it; what depends on it is unknown meanwhile.",
    ),
    AlertRule(
        uid="recruit-dead-letters-growing",
        title="Dead letters are growing",
        expression="sum(increase(recruit_dead_letters_total[15m]))",
        comparison="gt",
        threshold=DEAD_LETTERS_IN_15_MIN,
        pending_period="0s",
        no_data="OK",
        next_step="`recruit-assets dead-letters list` shows them by reason; `replay` sends them again.",
    ),
    AlertRule(
        uid="recruit-dead-letter-share",
        title="Many records become dead letters",
        expression="100 * sum(increase(recruit_dead_letters_total[15m])) / "
        "sum(increase(recruit_kafka_committed_records_total[15m])) "
        f"and sum(increase(recruit_dead_letters_total[15m])) >= {FEWEST_DEAD_LETTERS}",
        comparison="gt",
        threshold=round(100 * DEAD_LETTER_SHARE),
        pending_period="0s",
        no_data="OK",  # few dead letters, or no records
        next_step="`recruit-assets dead-letters list` shows their reasons: most often a faulty tracker release.",
    ),
    AlertRule(
        uid="recruit-kafka-records-deleted",
        title="Kafka has deleted records unread",
        expression="sum(increase(recruit_ingest_trimmed_records_total[15m]))",
        comparison="gt",
        threshold=0,
        pending_period="0s",
        no_data="OK",  # ingest serves no metrics
        next_step="Ingest's log names the partition and the offsets. Retention was shorter than the lag: lengthen it, "
        "and find out why ingest fell behind.",
    ),
    AlertRule(
        uid="recruit-kafka-log-replaced",
        title="Kafka has lost records that were committed",
        expression="sum(increase(recruit_ingest_rewinds_total[15m]))",
        comparison="gt",
        threshold=0,
        pending_period="0s",
        no_data="OK",  # ingest serves no metrics
        next_step="Ingest's log names the partition and why: a broker lost its disk or its last writes, or the topic "
        "was made anew. What is there now has been read again; send again what the producers still have.",
    ),
    AlertRule(
        uid="recruit-kafka-topic-unsafe",
        title="The Kafka topic can lose events",
        expression="count(recruit_kafka_topic_problems)",
        comparison="gt",
        threshold=0,
        pending_period="5m",
        no_data="OK",  # the topic has no problem
        next_step="The label names the setting; `recruit-assets schema apply` says what is wanted and why.",
    ),
    AlertRule(
        uid="recruit-checks-failing",
        title="A data check fails",
        expression="min(recruit_check_passed)",
        comparison="lt",
        threshold=1,
        pending_period="0s",
        no_data="OK",  # nothing has been checked yet
        next_step="The asset's checks in Dagster show what was expected and found, and which hours to materialize "
        "again; `recruit-assets audit` recounts everything.",
    ),
)


def as_document() -> Json:
    """The file that Grafana's provisioning reads."""
    group = {"orgId": 1, "name": "recruit", "folder": "Recruit", "interval": "1m"}
    return {"apiVersion": 1, "groups": [group | {"rules": [rule.as_json() for rule in RULES]}]}


def _step(model: Json, datasource: str) -> Json:
    range = {"from": QUERY_RANGE_S, "to": 0}
    return {"refId": model["refId"], "datasourceUid": datasource, "relativeTimeRange": range, "model": model}
