"""Changes dead letters in their topic.

Kafka can't change a record, and deletes only the first ones of a partition. So the records up to the last one to change
are sent again, changed or as they are, and then deleted.
"""

from collections.abc import Callable, Mapping

from kafka.structs import TopicPartition

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import MAX_REQUEST_BYTES, open_admin, open_sender, translated_errors
from recruit_assets.stores.kafka.dead_letter_topic import DeadLetterTopic, dead_letter_of
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topic_reader import TopicReader, open_topic_reader
from recruit_assets.stores.kafka.topics import topic_options

Change = Callable[[DeadLetter], DeadLetter | None]
"""What a dead letter is to become; None if it stays as it is."""


def rewrite_dead_letters(settings: Settings, change: Change) -> int:
    """Change the dead letters that the topic holds now; returns how many there were.

    If it is killed, some may be in the topic twice, which the audit and a replay count once. The next call
    does the rest.
    """
    topic = settings.dlq_topic
    with open_topic_reader(settings) as reader:
        firsts, ends = reader.offsets(topic)
        count, stops = 0, {}
        for partition, records in reader.records(topic, firsts=firsts, ends=ends):
            changed = [record.offset for record in records if _changed(record, change)]
            if changed:
                count += len(changed)
                stops[partition] = changed[-1] + 1
        if stops:
            _send_again(reader, settings, change, firsts=firsts, stops=stops)
            with open_admin(settings) as admin, translated_errors(f"delete records of topic {topic}"):
                admin.delete_records({TopicPartition(topic, partition): stop for partition, stop in stops.items()})
    return count


def _send_again(
    reader: TopicReader, settings: Settings, change: Change, *, firsts: Mapping[int, int], stops: Mapping[int, int]
) -> None:
    """Return when the topic has each record up to these offsets once more."""
    topic = settings.dlq_topic
    with open_admin(settings) as admin:
        limit = int(topic_options(admin, topic)["max.message.bytes"])
    with open_sender(settings, topic) as sender:
        letters = DeadLetterTopic(sender, limit_bytes=min(limit, MAX_REQUEST_BYTES))
        for _, records in reader.records(topic, firsts=firsts, ends=stops):
            for record in records:
                if letter := _changed(record, change):
                    letters.send(letter)
                else:
                    sender.send(record.key, record.value, headers=list(record.headers))
            letters.acknowledged()


def _changed(record: Record, change: Change) -> DeadLetter | None:
    letter = dead_letter_of(record)
    return change(letter) if isinstance(letter, DeadLetter) else None
