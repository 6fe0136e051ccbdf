"""Ingest converts nothing with older knowledge of erasures than `privacy erase` waits for."""

from collections.abc import Sequence

import pytest

from recruit_assets.contract.privacy import Erasure
from recruit_assets.ingest import known_erasures
from recruit_assets.ingest.conversion import Converter
from recruit_assets.ingest.known_erasures import MAX_AGE_S, OVERLAP_MS
from recruit_assets.runtime.errors import RejectedEvent, StoreUnavailable
from recruit_assets.transforms.erasure import person_of
from recruit_assets.transforms.privacy import KEEP_PEOPLE
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import RECEIVED_AT_MS, ARecord, WritesInMemory

PERSON = "jane@example.org"
EVENT = ARecord(as_bytes(an_event(uid=PERSON, ua="a browser")))
REJECTED = ARecord(as_bytes(an_event(uid=PERSON, job_id="none")))


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def erasures(through_ms: int = RECEIVED_AT_MS) -> list[Erasure]:
    return person_of(PERSON, KEEP_PEOPLE, []).erasures([], through_ms=through_ms)


def converter(writes: WritesInMemory, clock: Clock) -> Converter:
    return Converter(writes, limits=Limits(100_000, 0), backlog=lambda: 0, clock=clock)


def test_a_running_process_learns_of_an_erasure_in_time() -> None:
    writes, clock = WritesInMemory(), Clock()
    running = converter(writes, clock)
    writes.erased = erasures()

    (before,) = running.convert([EVENT]).rows
    clock.now_s += MAX_AGE_S + 0.1
    (after,) = running.convert([EVENT]).rows

    assert PERSON.encode() in before.raw.cells
    assert PERSON.encode() not in after.raw.cells
    assert (before.raw.partition, before.raw.cells[:40]) == (after.raw.partition, after.raw.cells[:40])


def test_rejected_records_of_an_erased_person_are_kept_without_them() -> None:
    writes = WritesInMemory()
    writes.erased = erasures()
    running = converter(writes, Clock())

    (letter,) = running.convert([REJECTED]).letters
    refused = running.letter(EVENT, RejectedEvent(letter.reason, f"a row of {PERSON}"))

    assert b'"job_id":"none"' in (letter.value or b"")
    assert PERSON not in repr((letter, refused))


def test_only_new_erasures_are_read_again() -> None:
    asked: list[int] = []

    class Counting(WritesInMemory):
        def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]:
            asked.append(after_ms)
            return super().erasures(after_ms=after_ms)

    writes, clock = Counting(), Clock()
    writes.erased = erasures()
    running = converter(writes, clock)
    for _ in range(3):
        clock.now_s += MAX_AGE_S - 1
        running.convert([EVENT])

    assert asked == [0, RECEIVED_AT_MS - OVERLAP_MS]


def test_a_process_that_cannot_read_erasures_converts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With old knowledge it would store what was erased."""

    class Unreadable(WritesInMemory):
        def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]:
            if after_ms:
                raise StoreUnavailable("Cassandra doesn't answer")
            return super().erasures()

    monkeypatch.setattr(known_erasures, "GIVE_UP_S", 0.05)
    writes, clock = Unreadable(), Clock()
    writes.erased = erasures()
    running = converter(writes, clock)
    clock.now_s += MAX_AGE_S + 0.1

    with pytest.raises(StoreUnavailable, match="doesn't answer"):
        running.convert([EVENT])
