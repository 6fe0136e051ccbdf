"""Whatever is sent, killed, repeated or set wrong, and in whichever order: in the end the report equals the ledger.

A failing case ends with one line, `@reproduce_failure(...)`, which replays it.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from recruit_assets.hours.planning import HourRange
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.memory_stores import START
from recruit_assets_tests.support.pipeline_world import COUNTED, HOURS, World

JOBS = st.integers(1, 3)
CONSUMERS = st.integers(0, 1)
FUSES = st.none() | st.integers(0, 40)
REJECTED = (b"", b"\xff", b"[]", b'{"job_id": 1}', as_bytes(an_event(START, seed=0, job_id="one")))


class Pipeline(RuleBasedStateMachine):
    """Producers, ingest, sensor and runs, with crashes at any call of a store."""

    @initialize(by_bucket=st.booleans())
    def start(self, by_bucket: bool) -> None:
        self.world = World(by_bucket=by_bucket)
        self.sent: dict[bytes, bytes] = {}
        self.ledger: dict[bytes, tuple[datetime, int, str]] = {}
        """By create_time: the record's value, and the hour, job and action that it counts for."""
        self.rejected = 0

    @rule(hour=st.sampled_from(HOURS), job=JOBS, action=st.sampled_from([*COUNTED, "view"]), minute=st.integers(0, 59))
    def produce(self, hour: datetime, job: int, action: str, minute: int) -> None:
        at = min(hour + timedelta(minutes=minute), START)
        event = an_event(at, seed=len(self.sent), job_id=job, custom_track=action)
        create_time = UUID(str(event["create_time"])).bytes
        self.sent[create_time] = as_bytes(event)
        self._send(self.sent[create_time])
        if action in COUNTED:
            self.ledger[create_time] = at.replace(minute=0), job, COUNTED[action]

    @precondition(lambda self: self.ledger)
    @rule(data=st.data())
    def produce_twice(self, data: st.DataObject) -> None:
        self._send(self.sent[data.draw(st.sampled_from(sorted(self.ledger)))])

    @precondition(lambda self: self.world.stored())
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        create_time = data.draw(st.sampled_from(self.world.stored()))
        self.world.erase(create_time)
        self.ledger.pop(create_time, None)

    @rule(value=st.sampled_from(REJECTED))
    def produce_garbage(self, value: bytes) -> None:
        self._send(value)
        self.rejected += 1

    @rule(number=CONSUMERS, polls=st.integers(1, 6), fuse=FUSES)
    def ingest(self, number: int, polls: int, fuse: int | None) -> None:
        self.world.fuse.calls_left = fuse
        self.world.ingest(number, polls)
        self.world.fuse.calls_left = None

    @rule(fuse=FUSES)
    def tick(self, fuse: int | None) -> None:
        self.world.fuse.calls_left = fuse
        self.world.tick()
        self.world.fuse.calls_left = None

    @rule(first=st.integers(0, 4), length=st.integers(0, 2), incremental=st.booleans(), fuse=FUSES)
    def backfill(self, first: int, length: int, incremental: bool, fuse: int | None) -> None:
        self.world.fuse.calls_left = fuse
        self.world.run(HourRange(HOURS[first], HOURS[min(first + length, 4)]), incremental=incremental)
        self.world.fuse.calls_left = None

    @rule(hour=st.integers(0, 4), incremental=st.booleans(), stops_at=st.integers(0, 30))
    def stop_a_run(self, hour: int, incremental: bool, stops_at: int) -> None:
        self.world.start_run(HourRange(HOURS[hour], HOURS[hour]), incremental=incremental, stops_at=stops_at)

    @precondition(lambda self: self.world.stopped_runs)
    @rule()
    def resume_a_run(self) -> None:
        self.world.resume_run()

    @rule(count=st.integers(1, 4))
    def lose_answers(self, count: int) -> None:
        self.world.failing_writes = count

    @rule(owner=st.lists(CONSUMERS, min_size=2, max_size=2))
    def rebalance(self, owner: list[int]) -> None:
        self.world.rebalance(owner)

    @rule(partition=st.integers(0, 1))
    def redeliver(self, partition: int) -> None:
        """The group's offsets are set back while its consumers are stopped."""
        self.world.topic.committed.pop(partition, None)
        self.world.restart(0)
        self.world.restart(1)

    @rule(seconds=st.integers(1, 600))
    def wait(self, seconds: int) -> None:
        self.world.clock.now_ms += seconds * 1000

    @rule(ahead=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=5)]))
    def set_cassandras_clock(self, ahead: timedelta) -> None:
        self.world.clock.cassandra_off_ms = ahead // timedelta(milliseconds=1)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.settle()
        expected: dict[object, Counter[str]] = {}
        for hour, job, action in self.ledger.values():
            expected.setdefault((hour, job), Counter())[action] += 1
        assert self.world.reported() == {key: dict(counts) for key, counts in expected.items()}
        places = {(letter.origin.partition, letter.origin.offset) for letter in self.world.topic.dead_letters}
        assert len(places) == self.rejected

    def _send(self, value: bytes) -> None:
        self.world.topic.append(value, at_ms=self.world.clock.now_ms)


def test_in_the_end_the_report_equals_the_ledger(pytestconfig: pytest.Config) -> None:
    rounds = pytestconfig.getoption("--chaos-rounds")
    is_short = rounds == 1
    run_state_machine_as_test(
        Pipeline,
        settings=settings(
            max_examples=100 if is_short else 1000 * rounds,
            stateful_step_count=30,
            derandomize=is_short,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
