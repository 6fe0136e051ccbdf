"""Everything we need of kafka-python that its public API doesn't offer.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/kafka/test_compat.py` shows what has changed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer
from kafka.errors import SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.structs import OffsetAndMetadata, TopicPartition

CHECKED_WITH = {"kafka-python": "3.0.12"}

CONNECTION_LOGGER = "kafka.net.manager"
_REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


@contextmanager
def refused_logins() -> Iterator[list[BaseException]]:
    """The list of logins that brokers refuse inside the block.

    The client only logs a refusal, and tries again until its timeout. Over TLS it often loses the reason, and logs a
    lost connection instead.
    """
    handler, logger = _Refusals(), logging.getLogger(CONNECTION_LOGGER)
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


def request_rejoin(consumer: KafkaConsumer) -> None:
    """Have the consumer join its group again in the next poll(), and in those after it until the group has answered."""
    consumer._coordinator.request_rejoin()


def known_topic_id(consumer: KafkaConsumer, topic: str) -> str | None:
    """The topic's id as of the consumer's last metadata; None if the topic didn't exist then.

    A topic that is deleted and made anew gets another id (KIP-516). The client keeps the positions of the old one.
    """
    found = consumer._cluster.topic_id(topic)
    return None if found is None else str(found)


def seek_with_epoch(consumer: KafkaConsumer, tp: TopicPartition, commit: OffsetAndMetadata) -> None:
    """Seek to a committed offset, keeping the leader epoch of its last record; ValueError if it isn't assigned.

    position() then asks the broker whether that record is still there, and is set back if it isn't (KIP-320). The
    public seek() takes no epoch, and the client forgets that of a commit.
    """
    if tp not in consumer.assignment():
        raise ValueError(f"{tp} isn't assigned")
    consumer._subscription.seek(tp, OffsetAndMetadata(commit.offset, "", commit.leader_epoch))


class _Refusals(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.found += [argument for argument in arguments if isinstance(argument, _REFUSALS)]
