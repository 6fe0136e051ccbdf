"""How current the report is, wherever the events that it lacks are: uncommitted in Kafka or pending in Cassandra."""

from collections.abc import Sequence
from dataclasses import dataclass

from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.ingest_lag import IngestLag, open_lag_reader
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.report_state import ReportState, read_report_state

LIVE_LAG_S = 10.0
"""A record is committed within about a second of its arrival."""
LIVE_REPORT_S = 60.0
"""While events arrive, something is always pending: some seconds, more just after the turn of an hour."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The report's state, and Kafka's; None if Kafka couldn't be read, with the reason in `unread`."""

    report: ReportState
    lag: IngestLag | None
    unread: str = ""

    @property
    def behind_s(self) -> float:
        """Upper bound for the age of an event that the report lacks, as far as the stores could be read."""
        return max(self.report.freshness_s, self.lag.age_s if self.lag else 0.0)

    @property
    def is_current(self) -> bool:
        """Whether nothing waits longer than events of a live stream do."""
        return self.lag is not None and self.lag.age_s <= LIVE_LAG_S and self.report.freshness_s <= LIVE_REPORT_S

    @property
    def reasons(self) -> Sequence[str]:
        """Why the report isn't current, in clauses; empty if it is."""
        found = []
        if self.lag is None:
            found.append(f"Kafka can't be read and may hold newer events ({self.unread})")
        elif self.lag.age_s > LIVE_LAG_S:
            found.append(waiting_in_kafka(self.lag))
        if self.report.unread_since is not None:
            found.append(f"changes since {self.report.unread_since:%Y-%m-%d %H:%M:%S} UTC weren't looked at")
        elif self.report.freshness_s > LIVE_REPORT_S:
            found.append("newer events are stored but not in the report yet")
        return found


def waiting_in_kafka(lag: IngestLag) -> str:
    """What ingest hasn't stored, since when, and who reads."""
    since = f", the first since {lag.oldest:%Y-%m-%d %H:%M:%S} UTC" if lag.oldest else ""
    return f"ingest hasn't stored {lag.records:,} records of Kafka{since}; {_readers(lag.members)}"


def _readers(members: int) -> str:
    match members:
        case 0:
            return "no process is in its consumer group"
        case 1:
            return "1 process is in its consumer group"
    return f"{members} processes are in its consumer group"


def read_freshness(settings: Settings, database: ReportDatabase) -> Freshness:
    """The state now; StoreUnavailable if the report database can't be read."""
    # Kafka first: the other way round, an event that is stored in between would be in neither
    lag, unread = _read_lag(settings)
    return Freshness(read_report_state(database), lag, unread)


def _read_lag(settings: Settings) -> tuple[IngestLag | None, str]:
    try:
        with open_lag_reader(settings) as reader:
            return reader.read(), ""
    except (StoreUnavailable, UserError) as error:  # the latter: Kafka's address isn't set here
        return None, str(error)
