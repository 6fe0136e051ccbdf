"""What Kafka holds and the ingest group hasn't committed, stored in one pass."""

from dataclasses import dataclass

from recruit_assets.ingest.processes import service_of
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records of the topic that the ingest group hasn't committed. None is read before `drain_to`."""

    settings: Settings

    def drain_to(self, cassandra: Settings) -> IngestResult:
        """Write every event that the topic holds now to the Cassandra of these settings.

        Offsets move after an event or its dead letter is durable. It takes RECRUIT_INGEST_PROCESSES processes.
        """
        names = [name for name in Settings.model_fields if name.startswith("cassandra_")]
        settings = self.settings.model_copy(update={name: getattr(cassandra, name) for name in names})
        return drain(settings, run=service_of(settings))
