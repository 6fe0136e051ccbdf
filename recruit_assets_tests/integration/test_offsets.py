"""Offsets that are of other records: of a lost log, a topic made anew, another keyspace, or an open transaction."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

import pytest

from recruit_assets.ingest import service
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain, serve, topic_ends
from recruit_assets.ingest.worker import Connect, connect
from recruit_assets.observability.audit import run_audit
from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka import group_checks
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.commit_label import label_of
from recruit_assets.stores.kafka.group_member import GroupMember
from recruit_assets.stores.kafka.offsets import (
    committed_offsets,
    foreign_members,
    group_commits,
    group_members,
    partition_spans,
    uncommitted_records,
)
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.ingest import Step, connect_with
from recruit_assets_tests.support.java_consumer import java_consumer
from recruit_assets_tests.support.kafka_topic import (
    alter_topic,
    events,
    make_anew,
    open_transaction,
    produce,
    set_commits,
)
from recruit_assets_tests.support.waiting import wait_until

MEMBER_S = 40
"""How long a member may take to join, or to notice that its topic is a new one."""


def count_events(settings: Settings) -> int:
    with open_session(settings) as session:
        ((count,),) = session.execute(f"SELECT count(*) FROM {session.keyspace}.raw_events")
    return int(count)


def committed(settings: Settings) -> dict[int, int]:
    with open_admin(settings) as admin:
        return committed_offsets(admin, settings)


@contextmanager
def running_service(settings: Settings, connect: Connect = connect) -> Iterator[Future[IngestResult]]:
    """`serve` in a thread until the end of the block, where its error is raised."""
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(serve, settings, should_stop=stop.is_set, connect=connect)
        try:
            yield running
        finally:
            stop.set()
        running.result()


def serve_until_it_fails(settings: Settings, meanwhile: Callable[[], None]) -> None:
    """Raises what ends the service while, or after, `meanwhile` runs."""
    with running_service(settings) as running:
        meanwhile()
        wait_until(running.done, MEMBER_S, what="the service's end")


def test_commits_beyond_the_end_are_a_lag_and_everything_is_read(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, *events(40))
    set_commits(settings, 900)

    assert uncommitted_records(settings) == 40
    lag = next(rule for rule in run_audit(settings).results if rule.rule == "Kafka lag")
    assert (lag.differences, lag.examples[0]) == (
        40,
        f"{settings.kafka_topic}/0: {settings.kafka_group} has committed 900, but the partition ends at 10",
    )
    result = drain(settings)

    assert (result.events, result.offsets, count_events(settings)) == (40, topic_ends(settings), 40)
    assert f"{settings.kafka_topic}/0 is read again from offset 0: the group has committed 900" in caplog.text
    assert uncommitted_records(settings) == 0


def test_a_running_service_commits_again_after_commits_beyond_the_end(settings: Settings) -> None:
    set_commits(settings, 900)
    with running_service(settings):
        produce(settings, *events(40))
        wait_until(lambda: committed(settings) == topic_ends(settings), MEMBER_S, what="commits up to the end")

    assert count_events(settings) == 40


def test_commits_of_an_older_version_are_believed_and_then_labelled(settings: Settings) -> None:
    produce(settings, *events(40))
    set_commits(settings, 4)

    assert drain(settings).events == 4 * (10 - 4)
    with open_admin(settings) as admin:
        labels = {label_of(commit) for commit in group_commits(admin, settings).values()}
    assert len(labels) == 1
    assert None not in labels


@pytest.mark.parametrize("step", [Step.BEFORE_WRITE, Step.EVENTS_WRITTEN, Step.CHANGE_WRITTEN, Step.COMMITTED])
def test_a_topic_made_anew_while_ingest_runs_loses_nothing(settings: Settings, step: Step) -> None:
    """Positions and commits carry over by name: the new topic was read from the middle, and nobody noticed."""

    def replace_topic(reached: Step) -> None:
        if reached is step:
            make_anew(settings)
            produce(settings, *events(400, first=1_000))

    produce(settings, *events(80))
    with running_service(settings, connect_with(replace_topic)):
        wait_until(lambda: uncommitted_records(settings) == 0 and count_events(settings) >= 400, MEMBER_S)
        wait_until(lambda: committed(settings) == topic_ends(settings), MEMBER_S, what="commits of the new topic")

    assert topic_ends(settings) == dict.fromkeys(range(4), 100)
    assert count_events(settings) == 480  # the 80 of the old topic were read before it went


def test_a_fetched_record_of_the_old_topic_is_not_taken_for_one_of_the_new(settings: Settings) -> None:
    """The client keeps fetched records through a seek: at offset 0 they would pass for the new topic's."""
    produce(settings, *events(40))
    with closing(GroupMember(settings, max_poll_records=1)) as member:
        wait_until(lambda: member.poll(0.1) or member.rebalanced, MEMBER_S, what="an assignment")
        member.resume()
        wait_until(lambda: member.poll(0.1), MEMBER_S, what="a record, and others in the client's buffer")
        make_anew(settings)
        produce(settings, *events(40, first=1_000))
        read: list[bytes | None] = []

        def reads_all() -> bool:
            records = member.poll(0.1)
            if member.rebalanced:
                read.clear()
                member.resume()
            else:
                read.extend(record.value for record in records)
            return sorted(map(bytes, filter(None, read))) == sorted(events(40, first=1_000))

        wait_until(reads_all, MEMBER_S, what="exactly the new topic's records after the last `resume`")


def test_a_commit_for_the_old_topic_that_comes_late_is_not_believed(settings: Settings) -> None:
    produce(settings, *events(40))
    drain(settings)
    with open_admin(settings) as admin:
        old = group_commits(admin, settings)[0].metadata
    make_anew(settings)
    produce(settings, *events(80, first=1_000))
    set_commits(settings, 10, metadata=old)

    assert (uncommitted_records(settings), committed(settings)) == (80, {})
    assert drain(settings).events == 80
    assert committed(settings) == topic_ends(settings)


def test_the_audit_does_not_judge_rows_from_before_a_topic_was_made_anew(settings: Settings) -> None:
    produce(settings, *events(40), b"{")
    drain(settings)
    make_anew(settings)
    apply_schema(settings)
    empty = run_audit(settings)
    produce(settings, *events(24, first=1_000))
    drain(settings)
    anew = run_audit(settings)

    for audit, rows in ((empty, 40), (anew, 40)):
        kafka = {one.rule: one.examples for one in audit.differences}
        assert not kafka.keys() & {"Kafka lag", "records", "dead letters", "events", "contents", "received_at"}
        assert audit.span.rows_not_compared == rows
    assert empty.span.compared_from == "never, because the topic was made anew and is empty"
    assert anew.span.compared_from.endswith(", where the topic was made anew")


def test_records_behind_an_open_transaction_are_a_lag_and_stop_a_drain_that_waits_too_long(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STUCK_S", 3)
    with open_transaction(settings, *events(2)) as producer:
        produce(settings, *events(40, first=10))

        with open_admin(settings) as admin:
            spans = partition_spans(admin, settings)
        assert [(one.end, one.hidden) for one in spans] == [(12, 12), (10, 0), (10, 0), (10, 0)]
        assert uncommitted_records(settings) == 42
        with pytest.raises(StoreUnavailable, match=r"/0 can't be read from offset 0 on: .*transactional.id open-"):
            drain(settings)
        lag = next(rule for rule in run_audit(settings).results if rule.rule == "Kafka lag")
        assert lag.differences == 12
        assert "12 offsets from 0 on can't be read or compared before an open transaction ends" in lag.examples[0]
        producer.commit_transaction()

    assert drain(settings).events == 12
    assert uncommitted_records(settings) == 0


def test_a_drain_waits_for_a_transaction_that_ends(settings: Settings) -> None:
    with open_transaction(settings, *events(2)) as producer, ThreadPoolExecutor(1) as pool:
        draining = pool.submit(drain, settings)
        wait_until(lambda: group_members_of(settings) == 1, MEMBER_S, what="the drain's member")
        producer.commit_transaction()

        assert draining.result().events == 2


def test_a_topic_that_is_altered_to_producer_timestamps_stops_ingest_before_it_commits(settings: Settings) -> None:
    def alter() -> None:
        wait_until(lambda: committed(settings) == topic_ends(settings), MEMBER_S, what="commits of all")
        alter_topic(settings, message_timestamp_type="CreateTime")
        produce(settings, *events(1, first=100))

    produce(settings, *events(40))
    with pytest.raises(SchemaMismatch, match=r"/0/10 has its producer's time. Set message.timestamp.type"):
        serve_until_it_fails(settings, alter)

    assert (committed(settings), count_events(settings)) == (dict.fromkeys(range(4), 10), 40)


def test_a_setting_that_can_lose_events_is_reported_while_ingest_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(group_checks, "CHECK_EVERY_S", 0.2)
    caplog.set_level(logging.WARNING)
    with running_service(settings):
        alter_topic(settings, cleanup_policy="compact,delete", retention_ms="60000", min_insync_replicas="1")
        wait_until(lambda: "wanted retention.ms at least 259200000, found 60000" in caplog.text, MEMBER_S)
        produce(settings, events(1)[0])
        wait_until(lambda: count_events(settings) == 1, MEMBER_S, what="the event, all the same")

    assert caplog.text.count("wanted cleanup.policy delete, found compact,delete") == 1


def another_keyspace(settings: Settings) -> Settings:
    return settings.model_copy(update={"cassandra_keyspace": "another"})


def test_a_group_of_another_keyspace_is_refused(settings: Settings) -> None:
    """Each of two deployments with the default group got half of the events."""
    produce(settings, *events(40))
    drain(settings)
    refused = rf"RECRUIT_KAFKA_GROUP {settings.kafka_group} belongs to keyspace {settings.cassandra_keyspace} .*another"

    with pytest.raises(UserError, match=refused):
        GroupMember(another_keyspace(settings), max_poll_records=1)
    with pytest.raises(UserError, match=refused):
        uncommitted_records(another_keyspace(settings))
    with pytest.raises(UserError, match="belongs to keyspace"):
        GroupMember(settings, max_poll_records=1, keyspace_id="of another cluster")


def test_of_two_keyspaces_that_begin_at_once_one_stops_and_the_other_reads_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_checks, "CHECK_EVERY_S", 1)
    produce(settings, *events(40))
    members = [GroupMember(one, max_poll_records=1) for one in (settings, another_keyspace(settings))]
    read: list[dict[int, int]] = [{}, {}]

    def step(number: int) -> str:
        """Poll once and commit; returns why the member is refused, if it is."""
        try:
            records = members[number].poll(0.1)
            if members[number].rebalanced:
                read[number] = members[number].resume()
        except UserError as error:
            return str(error)
        read[number] |= {record.partition: record.offset + 1 for record in records}
        members[number].commit(read[number])
        return ""

    refusals: list[str] = []

    def one_is_refused() -> bool:
        refusals[:] = pool.map(step, [0, 1])
        return any(refusals)

    with ThreadPoolExecutor(2) as pool:
        wait_until(one_is_refused, MEMBER_S, what="the refusal of one member")
    (loser,) = (number for number, why in enumerate(refusals) if why)
    members[loser].close()
    winner = 1 - loser
    everything = dict.fromkeys(range(4), 10)
    wait_until(lambda: step(winner) == "" and read[winner] == everything, MEMBER_S, what="all records in one keyspace")
    members[winner].close()
    assert "Set RECRUIT_KAFKA_GROUP to a name of its own" in refusals[loser]


def group_members_of(settings: Settings) -> int:
    with open_admin(settings) as admin:
        return group_members(admin, settings)


def test_a_member_of_the_new_protocol_counts(settings: Settings) -> None:
    with java_consumer(settings, group_protocol="consumer") as stranger:
        wait_until(stranger.poll, MEMBER_S, what="the stranger's partitions")

        assert group_members_of(settings) == 1
        with open_admin(settings) as admin:
            assert foreign_members(admin, settings) == ("consumers of the new protocol (group.protocol=consumer)",)
    assert group_members_of(settings) == 0


def test_a_stranger_with_another_assignor_is_named(settings: Settings) -> None:
    sticky = "org.apache.kafka.clients.consumer.StickyAssignor"
    with java_consumer(settings, partition_assignment_strategy=sticky) as stranger:
        wait_until(stranger.poll, MEMBER_S, what="the stranger's partitions")

        with (
            closing(GroupMember(settings, max_poll_records=1)) as member,
            pytest.raises(UserError, match=rf"group {settings.kafka_group} .*client stranger on host 127.0.0.1"),
        ):
            wait_until(lambda: member.poll(0.1), MEMBER_S, what="the refusal")
