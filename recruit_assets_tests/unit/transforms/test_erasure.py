"""Which events and dead letters are those of a person who was erased, and what is left of them."""

import json
from dataclasses import replace

import pytest

from recruit_assets.contract.cut_values import CutValue
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason, Origin
from recruit_assets.contract.privacy import PERSONAL_FIELDS, PrivacyInForce, PrivacyMode
from recruit_assets.runtime.errors import UserError
from recruit_assets.transforms.erasure import ErasedPeople, Person, person_of
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy
from recruit_assets.transforms.validate import COLUMNS, Event, Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes

PERSON = "jane@example.org"
OTHER = "joe@example.org"
PERSONAL = {name: f"{name} of {PERSON}" for name in PERSONAL_FIELDS} | {"email": PERSON}
PSEUDONYMISE = Privacy(PrivacyMode.PSEUDONYMISE, b"a key of sixteen", frozenset({"uid"}))


def event(uid: object = PERSON, **fields: object) -> Event:
    sent = an_event() | PERSONAL | {"uid": uid} | fields
    return read_event(as_bytes(sent), 2**42, limits=Limits(1_000_000, 0))


AT_MS = event().event_time_ms


def erased(uid: str = PERSON, *, through_ms: int = AT_MS, privacy: Privacy = KEEP_PEOPLE) -> ErasedPeople:
    person = person_of(uid, privacy, [privacy.in_force])
    return ErasedPeople(privacy, person.erasures([], through_ms=through_ms))


def a_letter(value: bytes | None, *, key: bytes | None = None, at_ms: int = AT_MS, whole: bool = True) -> DeadLetter:
    return DeadLetter(
        Origin("raw_events", 0, 7, at_ms), DeadLetterReason.WRONG_TYPE, f"uid: found {PERSON}", "an.Error",
        key=key, value=value, headers=(("user", PERSON.encode()),), is_whole=whole,
    )  # fmt: skip


def test_an_erased_persons_event_keeps_what_the_report_needs_and_nothing_else() -> None:
    sent = event()

    stored = erased().of_event(sent)

    identifying = {*PERSONAL_FIELDS, "extra"}
    assert PERSON not in repr(stored)
    assert stored.erased == identifying
    assert [stored.value(name) for name in COLUMNS if name not in identifying] == [
        sent.value(name) for name in COLUMNS if name not in identifying
    ]
    assert (stored.key, stored.event_time_ms, stored.action) == (sent.key, sent.event_time_ms, sent.action)


@pytest.mark.parametrize(
    ("people", "sent"),
    [
        (ErasedPeople(KEEP_PEOPLE), event()),
        (erased(), event(OTHER)),
        (erased(), event(None)),
        (erased(through_ms=AT_MS - 1), event()),
    ],
    ids=["nobody was erased", "another person", "no person", "a later event"],
)
def test_other_events_stay_as_they_are(people: ErasedPeople, sent: Event) -> None:
    assert people.of_event(sent) is sent


def test_of_a_persons_erasures_the_latest_counts() -> None:
    earlier = person_of(PERSON, KEEP_PEOPLE, []).erasures([], through_ms=AT_MS - 1)
    later = person_of(PERSON, KEEP_PEOPLE, []).erasures(earlier, through_ms=AT_MS)

    assert {one.salt for one in later} == {one.salt for one in earlier}
    assert ErasedPeople(KEEP_PEOPLE, [*later, *earlier]).of_event(event()).erased


def test_erasures_with_two_salts_both_count() -> None:
    """Two first erasures at the same time each make a salt."""
    people = ErasedPeople(KEEP_PEOPLE)
    for uid in (PERSON, OTHER):
        people.add(person_of(uid, KEEP_PEOPLE, []).erasures([], through_ms=AT_MS))

    assert people.of_event(event()).erased
    assert people.of_event(event(OTHER)).erased


def test_an_erasure_does_not_tell_who_it_was() -> None:
    (first,), (second,) = (person_of(PERSON, KEEP_PEOPLE, []).erasures([], through_ms=1) for _ in range(2))

    assert PERSON not in repr(first)
    assert first.person != second.person


def test_a_number_is_a_uid_too() -> None:
    assert erased("7").of_event(event(7)).erased
    assert erased("7").of_letter(a_letter(b'{"uid": 7}')).value == b"{}"


@pytest.mark.parametrize("given", [PERSON, PSEUDONYMISE.pseudonym(PERSON)])
def test_with_pseudonyms_the_person_is_found_by_uid_and_by_pseudonym(given: str) -> None:
    people, person = erased(given, privacy=PSEUDONYMISE), person_of(given, PSEUDONYMISE, [PSEUDONYMISE.in_force])

    assert people.of_event(PSEUDONYMISE.of_event(event())).erased
    assert people.of_letter(a_letter(as_bytes({"uid": PERSON}))).value == b"{}"
    assert person.owns(None, as_bytes({"uid": PERSON}))
    assert PSEUDONYMISE.pseudonym(PERSON) in person.uids


def test_without_the_key_of_stored_pseudonyms_nobody_is_found() -> None:
    """A person would seem to be erased who is still there under the pseudonym."""
    stored = [PrivacyInForce(), PSEUDONYMISE.in_force, PrivacyInForce()]

    for privacy in (KEEP_PEOPLE, replace(PSEUDONYMISE, key=b"another key of 16")):
        with pytest.raises(UserError, match="RECRUIT_PRIVACY_KEY isn't their key: set it"):
            person_of(PERSON, privacy, stored)
    assert len(person_of(PERSON, replace(PSEUDONYMISE, mode=PrivacyMode.KEEP), stored).uids) == 2


OWNED = [
    (None, as_bytes({"uid": PERSON, "job_id": "none"})),
    (PERSON.encode(), b"no JSON"),
    (None, b'{"uid": "jane@exam\\u0070le.org", "job_id": '),
    (None, b'{"job_id": 1, "uid":"' + PERSON.encode() + b'"}}'),
    (None, b"\xe9{'uid" + b'"uid" : ' + PERSON.encode() + b", }"),
]
NOT_OWNED = [
    (b"k", as_bytes({"uid": OTHER, "ed": json.dumps({"uid": PERSON})})),
    (None, b'{"uid": "' + PERSON.encode() + b'.uk", '),
    (None, b"[" * 5_000 + b'"uid"'),
    (None, b'{"uid": ' + b"[" * 300 + b"]" * 300 + b"}"),
    (None, None),
    (b"\xe9", b""),
]


@pytest.mark.parametrize(("key", "value"), OWNED)
def test_an_erased_persons_dead_letter_has_no_trace_of_them(key: bytes | None, value: bytes) -> None:
    letter = erased().of_letter(a_letter(value, key=key))

    assert person_of(PERSON, KEEP_PEOPLE, []).owns(key, value)
    assert PERSON not in repr((letter.key, letter.value, letter.headers, letter.message))
    assert (letter.origin, letter.reason) == (a_letter(value).origin, DeadLetterReason.WRONG_TYPE)
    assert erased().of_letter(letter) is letter


@pytest.mark.parametrize(("key", "value"), NOT_OWNED)
def test_other_dead_letters_stay_as_they_are(key: bytes | None, value: bytes | None) -> None:
    letter = a_letter(value, key=key)

    assert erased().of_letter(letter) is letter
    assert not person_of(PERSON, KEEP_PEOPLE, []).owns(key, value)


def test_a_later_dead_letter_stays_as_it_is() -> None:
    letter = a_letter(OWNED[0][1], at_ms=AT_MS + 1)

    assert erased().of_letter(letter) is letter


@pytest.mark.parametrize(
    "letter",
    [a_letter(OWNED[2][1]), a_letter(OWNED[2][1], whole=False), a_letter(b"", key=PERSON.encode(), whole=False)],
)
def test_what_is_left_out_of_a_dead_letter_cannot_be_replayed(letter: DeadLetter) -> None:
    stored = erased().of_letter(letter)

    assert isinstance(stored.value, CutValue)
    assert not stored.is_whole


def test_a_person_is_known_by_value() -> None:
    assert person_of(PERSON, KEEP_PEOPLE, []) == Person(frozenset({PERSON}), KEEP_PEOPLE)
