"""Dead letters among strangers: whatever a producer sends, or another program writes to the topic, nothing stops."""

import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from recruit_assets.cli.main import app
from recruit_assets.contract.dead_letters import DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.ingest.dead_letters import Replayed, Selection, dead_letter_for, replay_dead_letters
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.errors import RejectedEvent, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka import topic_reader
from recruit_assets.stores.kafka.clients import Headers, open_admin, open_consumer
from recruit_assets.stores.kafka.dead_letter_topic import headers_of, read_dead_letters
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.record_batches import HeaderName
from recruit_assets.stores.kafka.topics import ensure_topics
from recruit_assets.stores.kafka.watch import UNKNOWN, DeadLetterCounter
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dead_letter_replays import SentRecord, last_replays, record_replays, replays_at
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.old_letters import old_replay_headers
from recruit_assets_tests.support.topics import alter_topic, audit, listed, make_anew, records_in, send
from recruit_assets_tests.support.waiting import wait_until

NOT_UTF8 = HeaderName(b"\xff\xfe\x00name".decode(errors="surrogateescape"))
ESCAPES = b"\x1b]0;owned\x07\x1b[2J"
STRANGE: Headers = [
    ("trace", None),
    ("trace", b""),
    ("", None),
    (NOT_UTF8, ESCAPES),
    *((name.value, None) for name in DeadLetterHeader),
    *((name.value, b"9" * 4_300) for name in DeadLetterHeader),
    *((name.value, b"\xff-1") for name in DeadLetterHeader),
]


def rejected(settings: Settings) -> int:
    """How many dead letters ingest makes of what it hasn't read yet."""
    return sum(drain(settings).dead_letters.values())


def content(record: Record) -> tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]:
    return record.key, record.value, [(name.encode(), value) for name, value in record.headers]


def command(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["dead-letters", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_any_bytes_or_nothing_come_through_dead_letter_and_replay(settings: Settings) -> None:
    """Each of these stopped ingest for good, or made `list`, `audit` or the metrics fail."""
    strange = [
        ARecord(b"poison", key=None, headers=STRANGE),
        ARecord(None, key=None, headers=[("trace", None)]),
        ARecord(None, key=b"k"),
        ARecord(b"", key=b"\x00" * 300_000, headers=[("big", b"h" * 300_000), (ESCAPES.decode() * 1_000, None)]),
    ]
    send(settings, *strange)

    assert rejected(settings) == len(strange)
    assert replay_dead_letters(settings, Selection()) == Replayed(sent=len(strange))
    assert rejected(settings) == len(strange)

    found = [content(record) for record in records_in(settings, settings.kafka_topic)]
    assert sorted(found, key=str) == sorted([content(record) for record in strange] * 2, key=str)
    assert sorted(one.attempts for one in listed(settings)) == [1] * len(strange) + [2] * len(strange)
    assert audit(settings)[0] == {}


def test_a_forged_origin_is_not_believed(settings: Settings) -> None:
    """It made the letter one of another record, whose replay then counted as this one's."""
    send(settings, ARecord(b"{"))
    drain(settings)
    (victim,) = listed(settings)
    forged = [*headers_of(victim.letter), *old_replay_headers(victim.letter.origin, attempts=1)]
    absurd = old_replay_headers(Origin("t" * 300, 99, 10**17, 0), attempts=4)
    send(settings, ARecord(b"[", headers=forged), ARecord(b"]", headers=absurd))
    drain(settings)

    done = [replay_dead_letters(settings, Selection()) for _ in range(2)]

    assert done == [Replayed(sent=3), Replayed(skipped=3)]
    assert {(one.first, one.attempts) for one in listed(settings)} == {
        (one.letter.origin, 1) for one in listed(settings)
    }
    drain(settings)
    assert audit(settings)[0] == {}


def test_foreign_records_are_counted_shown_and_skipped(settings: Settings) -> None:
    send(settings, ARecord(b"{", key=ESCAPES))
    drain(settings)
    (ours,) = listed(settings)
    of_connect: Headers = [("__connect.errors.topic", b"orders"), ("__connect.errors.partition", b"0")]
    elsewhere = dead_letter_for(ARecord(b"x", topic="orders"), RejectedEvent(DeadLetterReason.EMPTY, "why"))
    send(
        settings,
        ARecord(b"hello", key=b"k"),
        ARecord(b"x", key=b"k", headers=of_connect),
        ARecord(b"x", key=b"k", headers=headers_of(elsewhere)),
        ARecord(b"x", key=b"k", headers=[("__connect.errors.topic", ESCAPES), *headers_of(ours.letter)[1:]]),
        ARecord(b"{", key=b"k", headers=headers_of(replace(ours.letter, message=ESCAPES.decode()))),  # a second copy
        topic=settings.dlq_topic,
    )

    shown = command("list")
    replayed = [command("replay") for _ in range(2)]

    assert (shown[0], shown[1].count("\n")) == (1, 2)
    assert "4 records of the topic were skipped: they aren't dead letters of this platform" in shown[2]
    for why in (
        "no header __connect.errors.topic",
        "no header __connect.errors.offset",
        "a dead letter of orders/0/0",
        "\\x1b]0;owned",
    ):
        assert why in shown[2]
    assert r"\x1b]0;owned" in shown[1]
    assert "\x1b" not in shown[1] + shown[2]
    assert [(code, text.partition(" ")[0]) for code, _, text in replayed] == [(1, "1"), (1, "0")]
    drain(settings)
    broken, result = audit(settings)
    assert (broken, result.span.foreign_records, len(result.span.foreign_examples)) == ({}, 4, 4)
    assert counted(settings) == {UNKNOWN: 4, "not_json": 3}


def counted(settings: Settings) -> dict[str, int]:
    """The dead letters by reason, as the metrics count them."""
    consumer = open_consumer(settings, group=None)
    try:
        counter = DeadLetterCounter(consumer, settings.dlq_topic)
        wait_until(lambda: counter.advance() == 0, timeout_s=20, what="reading the dead letter topic")
        return {reason: count for reason, count in counter.by_reason.items() if count}
    finally:
        consumer.close()


def test_a_topic_made_anew_has_other_records_at_the_same_places(settings: Settings) -> None:
    """The new dead letter was skipped as sent before, or the old one was sent in its place."""
    send(settings, ARecord(b"{old", key=b"k"))
    drain(settings)
    assert replay_dead_letters(settings, Selection()) == Replayed(sent=1)
    drain(settings)

    make_anew(settings, settings.kafka_topic)
    anew = settings.model_copy(update={"kafka_group": f"{settings.kafka_group}-2"})
    send(anew, ARecord(b"{new", key=b"k"))
    drain(anew)
    old, again, new = listed(anew)
    assert str(old.letter.origin) == str(new.letter.origin)
    assert [(one.first, one.attempts) for one in (again, new)] == [(old.first, 2), (new.letter.origin, 1)]
    assert audit(anew)[0] == {}

    done = [replay_dead_letters(anew, Selection()) for _ in range(2)]

    assert done == [Replayed(sent=1, skipped=2), Replayed(skipped=3)]
    drain(anew)
    assert [record.value for record in records_in(anew, settings.kafka_topic)] == [b"{new", b"{new"]
    assert audit(anew)[0] == {}


def test_a_replay_killed_before_it_was_recorded_is_repeated(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, ARecord(b"{", key=b"k"))
    drain(settings)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("recruit_assets.ingest.dead_letters.record_replays", die)
        with pytest.raises(KeyboardInterrupt):
            replay_dead_letters(settings, Selection())
    assert replay_dead_letters(settings, Selection()) == Replayed(sent=1)
    drain(settings)

    assert replay_dead_letters(settings, Selection()) == Replayed(sent=1, skipped=2)  # the one that isn't recorded
    drain(settings)
    assert replay_dead_letters(settings, Selection()) == Replayed(skipped=4)
    assert audit(settings)[0] == {}


@pytest.fixture
def soon_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_reader, "STALL_S", 3)


@pytest.mark.usefixtures("soon_stalled")
@pytest.mark.parametrize("is_made_anew", [False, True])
def test_a_dead_letter_topic_that_yields_nothing_more_is_an_error(settings: Settings, is_made_anew: bool) -> None:
    """Reading it went on for ever."""
    send(settings, *[ARecord(b"{" + b"x" * 100_000, key=b"k")] * 100)
    drain(settings)
    reading = read_dead_letters(settings)
    assert next(reading)
    if is_made_anew:
        make_anew(settings, settings.dlq_topic)
    else:
        with open_admin(settings) as admin:
            admin.delete_topics([settings.dlq_topic])
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match=r"returned nothing for 3 s; partitions \d at"):
        list(reading)

    assert time.monotonic() - started < 60
    ensure_topics(settings)


def test_counting_goes_on_after_the_dead_letter_topic_was_made_anew(settings: Settings) -> None:
    consumer = open_consumer(settings, group=None)
    counter = DeadLetterCounter(consumer, settings.dlq_topic)
    try:
        send(settings, *[ARecord(b"x", key=b"k")] * 3, topic=settings.dlq_topic)
        wait_until(lambda: counter.advance() == 0 and counter.by_reason[UNKNOWN] == 3, timeout_s=20)
        make_anew(settings, settings.dlq_topic)
        send(settings, *[ARecord(b"x", key=b"k")] * 2, topic=settings.dlq_topic)

        def is_counted() -> bool:
            counter.advance()
            return counter.by_reason[UNKNOWN] == 5

        wait_until(is_counted, timeout_s=40, what="the new topic's records")
    finally:
        consumer.close()


def test_a_record_too_large_for_the_event_topic_does_not_stop_a_replay(settings: Settings) -> None:
    alter_topic(settings, settings.kafka_topic, max_message_bytes="3000000")
    alter_topic(settings, settings.dlq_topic, max_message_bytes="3000000")
    send(settings, ARecord(b"x" * 2_000_000, key=b"k"), ARecord(b"{", key=b"k"))
    drain(settings)
    alter_topic(settings, settings.kafka_topic, max_message_bytes="1048588")

    assert replay_dead_letters(settings, Selection()) == Replayed(sent=1, cut=1)
    assert audit(settings)[0].keys() <= {"Kafka lag", "records", "dead letters"}
    drain(settings)
    assert audit(settings)[0] == {}


def test_replays_older_than_twice_the_topics_retention_are_forgotten(settings: Settings) -> None:
    """The table only grew."""
    alter_topic(settings, settings.dlq_topic, retention_ms=str(10 * 86_400_000))
    firsts = [Origin(settings.kafka_topic, 0, offset, 1_700_000_000_000) for offset in range(2)]
    with open_report_database(settings) as database:
        record_replays(database, [SentRecord(first, 1, DeadLetterReason.EMPTY, first) for first in firsts])
        for first, days in zip(firsts, (19, 21), strict=True):
            ago = "replayed_at = UTC_TIMESTAMP(6) - INTERVAL %s DAY"
            database.query(f"UPDATE dead_letter_replays SET {ago} WHERE kafka_offset = %s", (days, first.offset))

        replay_dead_letters(settings, Selection())

        assert last_replays(database, firsts).keys() == {firsts[0]}


def test_only_the_replays_asked_for_are_read(settings: Settings) -> None:
    """More than fit a query, in two partitions, beside others at the same places."""
    topic, before, time_ms = settings.kafka_topic, 1_600_000_000_000, 1_700_000_000_000
    firsts = [Origin(topic, n % 2, n, time_ms) for n in range(1_201)]
    places = [Origin(topic, first.partition, 5_000 + first.offset, time_ms) for first in firsts]
    sent = [SentRecord(*one) for one in zip(firsts, [1] * 1_201, [DeadLetterReason.EMPTY] * 1_201, places, strict=True)]
    former = [Origin(topic, first.partition, first.offset, before) for first in firsts[:3]]
    with open_report_database(settings) as database:
        record_replays(database, sent)
        record_replays(database, [SentRecord(one, 7, DeadLetterReason.EMPTY, one) for one in former])
        record_replays(database, [SentRecord(firsts[0], 2, DeadLetterReason.EMPTY, places[0])])

        last, at = last_replays(database, firsts), replays_at(database, places[1:])

        assert [last[first].attempts for first in firsts] == [2] + [1] * 1_200
        assert [at[place].first for place in places[1:]] == firsts[1:]
        assert last_replays(database, [Origin(topic, 0, 0, 5), Origin("another", 0, 0, time_ms)]) == {}
