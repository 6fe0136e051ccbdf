"""The ledger: counts what a simulation sent and computes the exact report that must result.

It is independent of the pipeline: it takes only names from the contract. It leaves out latest_update_time, which the
broker assigns.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.tables import MYSQL_REPORT, REPORT_SOURCE
from recruit_assets.runtime.files import atomic_write
from recruit_assets.simulator.events import Chunk
from recruit_assets.simulator.expected import ExpectedTable, Row
from recruit_assets.simulator.fragments import Action, Interaction
from recruit_assets.simulator.job_rules import OWN_JOB, FoundJobs, JobRules
from recruit_assets.simulator.jobs import Job

VERSION = 1
HOUR_S = 3600
REPORT_COLUMNS = tuple(name for name in MYSQL_REPORT.column_names if name != "latest_update_time")
_PRIMARY_KEY = tuple(REPORT_COLUMNS.index(name) for name in MYSQL_REPORT.primary_key)

Grain = tuple[int, int, int, int, int]
"""Hour since the epoch, job, publisher, campaign, group."""


@dataclass(slots=True)
class Totals:
    """The counts of one report row."""

    actions: Counter[Action] = field(default_factory=Counter)
    bid_sum: int = 0


class Ledger:
    """Counts the chunks that are added. Memory grows with the rows of the report, not with the events."""

    def __init__(
        self, seed: int, jobs: list[Job], rules: JobRules = OWN_JOB, downstream: Sequence[ExpectedTable] = ()
    ) -> None:
        self._seed = seed
        self._rules = rules
        self._downstream = downstream
        self._jobs = FoundJobs(rules)
        self._company_ids = {job.id: job.company_id for job in jobs}
        self._happened: Counter[tuple[int, Interaction]] = Counter()
        self._dead_letters: Counter[DeadLetterReason] = Counter()
        self._records = self._duplicates = self._late = 0

    def add(self, chunk: Chunk) -> None:
        """Count records that were sent."""
        self._records += len(chunk.values)
        self._duplicates += chunk.duplicates
        self._late += chunk.late
        self._dead_letters.update(chunk.rejected)
        self._happened.update(chunk.happened)
        for table in self._downstream:
            table.add(chunk)

    @property
    def counts(self) -> dict[str, Any]:
        """records = events + duplicates + all dead letters; late, countable and unattributed ones are events.

        With other rules than the event's own job, countable ones also by the rule that found their job.
        """
        by_rule = Counter[str | None]()
        for (_, event), number in self._happened.items():
            if event.action is not None:
                found = self._jobs.of(event)
                by_rule[found and found[0]] += number
        unattributed = by_rule.pop(None, 0)
        counts = {
            "records": self._records,
            "events": self._happened.total(),
            "duplicates": self._duplicates,
            "dead_letters": {reason.value: number for reason, number in sorted(self._dead_letters.items())},
            "countable": by_rule.total(),
            "unattributed": unattributed,
            "late": self._late,
        }
        has_rules = self._rules.names != OWN_JOB.names
        return counts | ({"attributed": {name: by_rule[name] for name in self._rules.names}} if has_rules else {})

    def report(self) -> list[Row]:
        """The expected report rows, sorted by primary key, with the columns in the contract's order."""
        rows = [self._row(grain, totals) for grain, totals in self._totals().items()]
        return sorted(rows, key=lambda row: [row[position] for position in _PRIMARY_KEY])

    def as_document(self) -> dict[str, Any]:
        """The content of the ledger file."""
        document = {"version": VERSION, "seed": self._seed, "counts": self.counts, "report": self.report()}
        downstream = {one.table: one.rows() for one in self._downstream}
        return document | ({"downstream": downstream} if downstream else {})

    def write(self, path: Path) -> None:
        """Write the file atomically."""
        atomic_write(path, orjson.dumps(self.as_document(), option=orjson.OPT_APPEND_NEWLINE))

    def _totals(self) -> dict[Grain, Totals]:
        totals: defaultdict[Grain, Totals] = defaultdict(Totals)
        for (hour, it), number in self._happened.items():
            found = self._jobs.of(it)
            if it.action is None or found is None:
                continue
            row = totals[hour, *found[1]]
            row.actions[it.action] += number
            if it.action is Action.CLICK:
                row.bid_sum += it.bid * number
        return totals

    def _row(self, grain: Grain, totals: Totals) -> Row:
        hour, job_id, publisher_id, campaign_id, group_id = grain
        moment = datetime.fromtimestamp(hour * HOUR_S, UTC)
        clicks = totals.actions[Action.CLICK]
        values = {
            "job_id": job_id,
            "dates": f"{moment:%Y-%m-%d} 00:00:00",
            "hours": moment.hour,
            "disqualified_application": totals.actions[Action.UNQUALIFIED],
            "qualified_application": totals.actions[Action.QUALIFIED],
            "conversion": totals.actions[Action.CONVERSION],
            "company_id": self._company_ids.get(job_id),
            "group_id": group_id,
            "campaign_id": campaign_id,
            "publisher_id": publisher_id,
            "bid_set": rounded_ratio(totals.bid_sum, clicks) if clicks else 0.0,
            "clicks": clicks,
            "impressions": None,
            "spend_hour": float(totals.bid_sum),
            "sources": REPORT_SOURCE,
        }
        return tuple(values[name] for name in REPORT_COLUMNS)


def rounded_ratio(numerator: int, denominator: int) -> float:
    """The ratio rounded to 2 decimals, half away from zero, in exact integer arithmetic."""
    hundredths = (abs(numerator) * 200 + denominator) // (denominator * 2)
    return (hundredths if numerator >= 0 else -hundredths) / 100
