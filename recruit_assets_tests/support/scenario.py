"""A chaos case's setting: a simulation with its ledger, real engines that may be killed, and the audit."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.observability.audit import AuditResult, run_audit
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.ledger import Ledger
from recruit_assets.simulator.publish import ListSink, simulate, simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.kafka.offsets import committed_offsets
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs

REPORT = "SELECT * FROM mysql_report ORDER BY dates, hours, job_id, publisher_id, campaign_id, group_id"


@dataclass(slots=True)
class Outcome:
    """Events sent and the differences that the audit found; `seen` holds those that a test expected."""

    events: int = 0
    differences: list[str] = field(default_factory=list)
    seen: str = ""


@dataclass(slots=True)
class Scenario:
    """Engines that may be killed, names of the case's own, and everything it has sent."""

    engines: LocalEngines
    settings: Settings
    ledger_file: Path
    outcome: Outcome = field(default_factory=Outcome)
    _unsent: list[bytes | None] = field(default_factory=list)

    def prepare(self, spec: SimulationSpec) -> None:
        """Generate the records and their ledger; `send` then sends them in parts."""
        with open_report_database(self.settings) as database:
            load_jobs(database, dimension_rows(site_jobs(spec.jobs)))
        sink = ListSink()
        self._keep(simulate(spec, sink))
        self._unsent = sink.values

    def send(self, parts: int = 1) -> None:
        """Send the first of `parts` equal parts of what is left; returns when Kafka has acknowledged it."""
        size = -(-len(self._unsent) // parts)
        self._publish(self._unsent[:size])
        self._unsent = self._unsent[size:]

    @contextmanager
    def sending(self, spec: SimulationSpec) -> Iterator[None]:
        """Send at the spec's rate while the block runs, and to the end after it."""
        stop = Event()
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(simulate_to_kafka, self.settings, spec, stop=stop)
            try:
                yield
            except BaseException:
                stop.set()
                raise
            self._keep(sent.result(timeout=180))

    def recover(self) -> None:
        """Do what the next scheduled run does."""
        materialize_pending(build_defs(settings=self.settings), self.settings)

    def audit(self) -> AuditResult:
        result = run_audit(self.settings, ledger=self.ledger_file)
        self.outcome.differences = [f"{one.rule}: {one.examples}" for one in result.differences]
        return result

    def require_exact(self) -> None:
        """AssertionError with the differences, unless every row of the report is correct."""
        self.audit()
        assert self.outcome.differences == []

    def report(self) -> list[tuple[object, ...]]:
        with open_report_database(self.settings) as database:
            return database.query(REPORT)

    def committed(self) -> int:
        """The group's committed offsets, summed over all partitions."""
        with open_admin(self.settings) as admin:
            return sum(committed_offsets(admin, self.settings).values())

    def _publish(self, values: Sequence[bytes | None]) -> None:
        with open_publisher(self.settings) as publisher:
            publisher.send(values)
            publisher.finish()

    def _keep(self, ledger: Ledger) -> None:
        ledger.write(self.ledger_file)
        self.outcome.events = int(ledger.counts["records"])
