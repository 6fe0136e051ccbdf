"""Dead letters and replays that were stored before schema version 2 still work."""

import pytest

from recruit_assets.contract.dead_letters import Origin
from recruit_assets.ingest.dead_letters import Replayed, Selection, replay_dead_letters
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.mysql.schema import open_schema_session
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.old_letters import old_letter, old_replay_headers
from recruit_assets_tests.support.topics import audit, commit_everything, listed, make_anew, records_in, send

OLD_TABLE = (
    "DROP TABLE dead_letter_replays",
    "CREATE TABLE dead_letter_replays (topic varchar(255) NOT NULL, kafka_partition int NOT NULL, "
    "kafka_offset bigint NOT NULL, reason varchar(32) NOT NULL, attempts int NOT NULL, "
    "replayed_at datetime(6) NOT NULL, PRIMARY KEY (topic, kafka_partition, kafka_offset))",
    "DELETE FROM schema_version",
)


def as_sent(record: Record) -> ARecord:
    """The record at its place in the event topic, as the old program's ingest saw it."""
    return ARecord(record.value, record.offset, record.partition, record.timestamp, record.key, topic=record.topic)


@pytest.fixture
def old(settings: Settings) -> Settings:
    """A record that was rejected, and one that was also replayed twice and rejected each time. Then `schema apply`."""
    topic = settings.kafka_topic
    with open_schema_session(settings) as cursor:
        for statement in OLD_TABLE:
            cursor.execute(statement)
    send(settings, ARecord(b"{once", key=b"a"), ARecord(b"{replayed", key=b"b"))
    once, first = sorted(records_in(settings, topic), key=lambda record: record.value or b"")
    origin = Origin(topic, first.partition, first.offset, first.timestamp)
    for attempts in (1, 2):
        send(settings, ARecord(b"{replayed", key=b"b", headers=old_replay_headers(origin, attempts=attempts)))
    replays = [one for one in records_in(settings, topic) if one.headers]
    letters = [old_letter(as_sent(one), first=origin, attempts=n) for n, one in enumerate((first, *replays), start=1)]
    send(settings, old_letter(as_sent(once)), *letters, topic=settings.dlq_topic)
    with open_schema_session(settings) as cursor:
        row = (topic, origin.partition, origin.offset, "not_json")
        cursor.execute("INSERT INTO dead_letter_replays VALUES (%s, %s, %s, %s, 2, UTC_TIMESTAMP(6))", row)
    commit_everything(settings)
    apply_schema(settings)
    return settings


def attempts(settings: Settings) -> list[tuple[str, int, bool]]:
    """(first origin, attempts, whether it was replayed) of each dead letter."""
    return sorted((str(one.first), one.attempts, one.last is not None) for one in listed(settings))


def test_old_dead_letters_are_listed_with_their_first_origin_and_attempts(old: Settings) -> None:
    once, first = sorted(records_in(old, old.kafka_topic), key=lambda record: (record.value or b"", record.offset))[:2]
    origins = [f"{one.topic}/{one.partition}/{one.offset}" for one in (once, first)]

    assert attempts(old) == sorted([(origins[0], 1, False), *((origins[1], n, True) for n in (1, 2, 3))])


def test_what_was_replayed_before_the_upgrade_is_skipped_and_the_rest_is_sent_once(old: Settings) -> None:
    assert replay_dead_letters(old, Selection()) == Replayed(sent=1, skipped=3)
    drain(old)
    assert replay_dead_letters(old, Selection()) == Replayed(skipped=5)
    assert [n for _, n, _ in attempts(old)].count(2) == 2


def test_replays_of_old_replays_continue_their_count(old: Settings) -> None:
    done = replay_dead_letters(old, Selection(), again=True)
    drain(old)

    assert done.sent >= 2
    assert done.sent + done.skipped == 4
    assert max(n for _, n, _ in attempts(old)) == 4
    assert replay_dead_letters(old, Selection()).sent == 0


def test_an_audit_that_was_exact_stays_exact(old: Settings) -> None:
    broken, result = audit(old)

    assert broken == {}
    assert result.span.records == 4
    replay_dead_letters(old, Selection(), again=True)
    drain(old)
    assert audit(old)[0] == {}


def test_a_new_record_at_the_place_of_an_old_replay_is_not_taken_for_it(old: Settings) -> None:
    """A row of the old table doesn't tell the time of its record; a record sent after the replay isn't the one."""
    make_anew(old, old.kafka_topic)
    anew = old.model_copy(update={"kafka_group": f"{old.kafka_group}-2"})
    send(anew, *[ARecord(b"{new", key=key) for key in (b"a", b"b")] * 2)
    drain(anew)

    assert replay_dead_letters(anew, Selection()) == Replayed(sent=1 + 4, skipped=3)
