"""Creates the topics, and says what their configuration could do to events."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import REQUEST_TIMEOUT_MS, open_admin, translated_errors

log = logging.getLogger(__name__)

DAY_MS = 86_400 * 1000
DLQ_RETENTION_MS = 90 * DAY_MS
MIN_RETENTION_MS = 3 * DAY_MS
"""Ingest that fails on a Friday evening is repaired on Monday."""
TIMESTAMP_TYPE = "message.timestamp.type"
LOG_APPEND_TIME = "LogAppendTime"
RETRY_S = 0.25
UNKNOWN_TOPIC_S = 5
"""A new topic takes a moment to be known to every broker."""


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """A topic's id, which another topic of the same name doesn't have (KIP-516), and its partitions."""

    topic_id: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """A setting of the event topic that can lose or falsify events."""

    setting: str
    wanted: str
    found: str
    why: str
    stops: bool

    def __str__(self) -> str:
        return f"wanted {self.setting} {self.wanted}, found {self.found}. {self.why}"


@dataclass(frozen=True, slots=True)
class TopicRule:
    """What a setting of the event topic must be."""

    setting: str
    wanted: Callable[[Settings], str]
    is_met: Callable[[str, Settings], bool]
    why: str
    stops: bool = False

    def problem(self, found: str, settings: Settings) -> TopicProblem | None:
        """What is wrong with this value of the setting; None if nothing."""
        if self.is_met(found, settings):
            return None
        return TopicProblem(self.setting, self.wanted(settings), found, self.why, self.stops)


RULES = (
    TopicRule(
        TIMESTAMP_TYPE,
        lambda _: LOG_APPEND_TIME,
        lambda found, _: found == LOG_APPEND_TIME,
        "The record's time becomes the write time of its event. Records already in the topic keep their producers' "
        "times: use another RECRUIT_KAFKA_TOPIC, or alter the topic while empty",
        stops=True,
    ),
    TopicRule(
        "cleanup.policy",
        lambda _: "delete",
        lambda found, _: "compact" not in found,
        "Compaction deletes events that share a key, read or not",
    ),
    TopicRule(
        "retention.ms",
        lambda _: f"at least {MIN_RETENTION_MS}",
        lambda found, _: int(found) < 0 or int(found) >= MIN_RETENTION_MS,
        "If ingest is down for longer, events are deleted unread",
    ),
    TopicRule(
        "retention.bytes",
        lambda _: "-1",
        lambda found, _: int(found) < 0,
        "A full partition deletes its oldest events, read or not",
    ),
    TopicRule(
        "max.message.bytes",
        lambda settings: f"at least {settings.max_event_bytes}",
        lambda found, settings: int(found) >= settings.max_event_bytes,
        "Kafka refuses larger events, although RECRUIT_MAX_EVENT_BYTES allows them",
    ),
    TopicRule(
        "min.insync.replicas",
        lambda settings: f"at least {settings.kafka_acknowledging}",
        lambda found, settings: int(found) >= settings.kafka_acknowledging,
        "Events are acknowledged that too few brokers have; the loss of a broker can lose them",
    ),
    TopicRule(
        "unclean.leader.election.enable",
        lambda _: "false",
        lambda found, _: found == "false",
        "A broker without all acknowledged events can become the leader, and they are lost",
    ),
)
"""docs/operators.md has the same table."""


def problems(options: Mapping[str, str], settings: Settings) -> tuple[TopicProblem, ...]:
    """What is wrong in the event topic's configuration.

    Only what would store wrong values stops ingest. Where unread events may be deleted, reading on is what saves them.
    """
    found = (rule.problem(options[rule.setting], settings) for rule in RULES if rule.setting in options)
    return tuple(problem for problem in found if problem is not None)


def check_topic(admin: KafkaAdminClient, settings: Settings) -> tuple[TopicProblem, ...]:
    """The problems that ingest can live with; SchemaMismatch if there is another."""
    found = problems(topic_options(admin, settings.kafka_topic), settings)
    for problem in found:
        if problem.stops:
            raise SchemaMismatch(f"Kafka topic {settings.kafka_topic}: {problem}")
    return found


def warn(found: tuple[TopicProblem, ...], topic: str) -> None:
    for problem in found:
        log.warning("Kafka topic %s: %s", topic, problem)


def ensure_topics(settings: Settings) -> TopicIdentity:
    """Create the event and dead letter topics if they are missing; returns the event topic.

    Warns of its configuration's problems; SchemaMismatch if ingest couldn't run with it.
    """
    with open_admin(settings) as admin, translated_errors(f"topics of {settings.kafka_bootstrap}"):
        existing = set(admin.list_topics())
        for topic, options in _wanted_topics(settings).items():
            if topic not in existing:
                _create(admin, topic, settings=settings, options=options)
        warn(check_topic(admin, settings), settings.kafka_topic)
        return identify(admin, settings.kafka_topic)


def topic_options(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """The topic's configuration, including defaults."""
    with translated_errors(f"configuration of topic {topic}"):
        # without the filter the client leaves out defaults
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: entry["value"] for name, entry in described["topic"][topic].items()}


def identify(admin: KafkaAdminClient, topic: str) -> TopicIdentity:
    """The topic as it is now; StoreUnavailable if it doesn't exist."""
    known = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(UNKNOWN_TOPIC_S),
        wait=wait_fixed(RETRY_S),
        retry_error_callback=lambda _: None,
    )
    with translated_errors(f"partitions of topic {topic}"):
        found: TopicIdentity | None = known(_identity, admin, topic)
    if found is None:
        raise StoreUnavailable(f"Kafka topic {topic} doesn't exist. Run `recruit-assets schema apply`")
    return found


def _identity(admin: KafkaAdminClient, topic: str) -> TopicIdentity | None:
    (described,) = admin.describe_topics([topic])
    partitions = sorted(one["partition_index"] for one in described["partitions"])
    return TopicIdentity(str(described["topic_id"] or ""), tuple(partitions)) if partitions else None


def _wanted_topics(settings: Settings) -> dict[str, dict[str, str]]:
    """Names `delete`: if the broker's default were compaction, records with the same key would be lost."""
    shared = {
        TIMESTAMP_TYPE: LOG_APPEND_TIME,
        "cleanup.policy": "delete",
        "min.insync.replicas": str(settings.kafka_acknowledging),
    }
    return {settings.kafka_topic: shared, settings.dlq_topic: shared | {"retention.ms": str(DLQ_RETENTION_MS)}}


def _create(admin: KafkaAdminClient, topic: str, *, settings: Settings, options: dict[str, str]) -> None:
    wanted = {
        "num_partitions": settings.kafka_partitions,
        "replication_factor": settings.kafka_replication,
        "configs": options,
    }
    try:
        admin.create_topics({topic: wanted}, timeout_ms=REQUEST_TIMEOUT_MS, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another process created it first
    # logged, because a misspelt name creates a topic too, which stays empty
    log.info("created Kafka topic %s, which didn't exist", topic)
