"""What a member of the ingest group looks at while it runs: the topic's configuration, and who else is in the group."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from kafka.errors import InconsistentGroupProtocolError

from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.commit_label import Owner, require_own_group
from recruit_assets.stores.kafka.offsets import foreign_members, group_commits
from recruit_assets.stores.kafka.record import TimedRecord, place_of
from recruit_assets.stores.kafka.topics import LOG_APPEND_TIME, TIMESTAMP_TYPE, TopicProblem, check_topic, warn

log = logging.getLogger(__name__)

LOG_APPEND_TYPE = 1
CHECK_EVERY_S = 60.0
CHECK_SOON_S = 3.0
"""By then the other members of a new group have committed, too."""


class GroupChecks:
    """Call `check` often: it looks once a minute, and when something has happened. Problems are logged when new."""

    def __init__(self, settings: Settings, owner: Owner, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._owner = owner
        self._clock = clock
        self._due_at = float("-inf")
        self._problems: tuple[TopicProblem, ...] = ()
        self._foreign: tuple[str, ...] = ()

    def check_soon(self) -> None:
        """After a rebalance or the first commit: a member of another keyspace may have joined."""
        self._due_at = min(self._due_at, self._clock() + CHECK_SOON_S)

    def check(self) -> None:
        """SchemaMismatch if the topic would give events wrong times, UserError if the group is another keyspace's."""
        if self._clock() < self._due_at:
            return
        try:
            self.check_now()
        except StoreUnavailable as error:
            # an outage ends ingest where it reads or writes, and only if it lasts
            log.warning("the topic's configuration and the group can't be checked now: %s", error)

    def check_now(self) -> None:
        """As `check`; StoreUnavailable if Kafka doesn't answer."""
        self._due_at = self._clock() + CHECK_EVERY_S
        with open_admin(self._settings) as admin:
            problems = check_topic(admin, self._settings)
            require_own_group(group_commits(admin, self._settings), self._owner, self._settings)
            foreign = foreign_members(admin, self._settings)
        if problems != self._problems:
            warn(problems, self._settings.kafka_topic)
        if foreign != self._foreign and foreign:
            log.error(
                "events of topic %s go elsewhere: %s", self._settings.kafka_topic, in_the_way(foreign, self._settings)
            )
        self._problems, self._foreign = problems, foreign


def require_broker_times(records: Iterable[TimedRecord], settings: Settings) -> None:
    """SchemaMismatch if a record has its producer's time: the topic's configuration is read only once a minute."""
    for record in records:
        if record.timestamp_type != LOG_APPEND_TYPE:
            raise SchemaMismatch(
                f"Kafka record {place_of(record)} has its producer's time. Set {TIMESTAMP_TYPE} of the topic to "
                f"{LOG_APPEND_TIME}. The records that came before can't be ingested: "
                f"send them again, and move group {settings.kafka_group} past them"
            )


@contextmanager
def named_strangers(settings: Settings) -> Iterator[None]:
    """UserError that names the members whose protocol keeps ours out of the group."""
    try:
        yield
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, InconsistentGroupProtocolError):
            raise
        with open_admin(settings) as admin:
            foreign = foreign_members(admin, settings)
        raise UserError(f"Ingest can't join its group: {in_the_way(foreign, settings)}") from error


def in_the_way(foreign: tuple[str, ...], settings: Settings) -> str:
    """Whose consumers they are, and what to do."""
    return (
        f"Kafka group {settings.kafka_group} has members that aren't ingest: {'; '.join(foreign)}. Stop them, or set "
        "RECRUIT_KAFKA_GROUP to a name that nobody else uses"
    )
