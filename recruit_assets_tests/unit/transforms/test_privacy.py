"""What RECRUIT_PRIVACY takes out of events and dead letters. Without it, a person's traces are kept for ever."""

import json
from collections.abc import Mapping
from dataclasses import replace

import orjson
import pytest

from recruit_assets.contract.cut_values import CutValue
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason, Origin
from recruit_assets.contract.privacy import PERSONAL_FIELDS, PrivacyMode
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.transforms.privacy import KEEP_PEOPLE, PSEUDONYM, Privacy, privacy_of, require_privacy
from recruit_assets.transforms.validate import Event, Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes

PERSON = "jane@example.org"
KEY = b"a key of sixteen"
PSEUDONYMISE = Privacy(PrivacyMode.PSEUDONYMISE, KEY, frozenset({"uid", "userid", "email"}))
DROP = replace(PSEUDONYMISE, mode=PrivacyMode.DROP)
TRACES: dict[str, object] = {
    "uid": PERSON,
    "dl": f"https://jobs.example.org/7?mail={PERSON}#{PERSON}",
    "rl": f"/search?q={PERSON}",
    "ed": json.dumps({"userId": PERSON, "inner": [{"Email": PERSON}], "text": json.dumps({"email": PERSON})}),
    "visitor": {"email": PERSON, "page": f"//x.example.org/?u={PERSON}"},
    "email": PERSON,
    "Email": PERSON,
    "page": f"https://jobs.example.org/7?mail={PERSON}",
}
"""The same person in every place where a name or a URL tells what is in it."""


def event(fields: Mapping[str, object]) -> Event:
    return read_event(as_bytes({**an_event(), **fields}), 2**42, limits=Limits(1_000_000, 0))


def a_letter(value: bytes | None, *, key: bytes | None = PERSON.encode()) -> DeadLetter:
    return DeadLetter(
        Origin("raw_events", 0, 7, 1), DeadLetterReason.WRONG_TYPE, f"uid: found {PERSON}", "an.Error",
        key=key, value=value, headers=(("user", PERSON.encode()),),
    )  # fmt: skip


def test_by_default_everything_stays() -> None:
    sent, letter = event(TRACES), a_letter(b"{")

    assert KEEP_PEOPLE.of_event(sent) is sent
    assert KEEP_PEOPLE.of_letter(letter) is letter


@pytest.mark.parametrize("privacy", [PSEUDONYMISE, DROP])
def test_no_trace_of_the_person_is_left(privacy: Privacy) -> None:
    sent = event(TRACES)

    stored = privacy.of_event(sent)

    assert PERSON in repr(sent)
    assert PERSON not in repr(stored)


@pytest.mark.parametrize("privacy", [PSEUDONYMISE, DROP])
def test_what_the_report_needs_is_untouched(privacy: Privacy) -> None:
    sent = event(TRACES)

    stored = privacy.of_event(sent)

    needed = ("create_time", "ts", "custom_track", "job_id", "publisher_id", "campaign_id", "group_id", "bid")
    assert [stored.value(name) for name in needed] == [sent.value(name) for name in needed]
    assert (stored.key, stored.event_time_ms, stored.action) == (sent.key, sent.event_time_ms, sent.action)


def test_a_person_has_one_pseudonym_everywhere_and_the_structure_stays() -> None:
    stored = PSEUDONYMISE.of_event(event(TRACES))

    pseudonym = stored.value("uid")
    assert PSEUDONYM.fullmatch(str(pseudonym))
    ed = json.loads(str(stored.value("ed")))
    assert (ed["userId"], ed["inner"]) == (pseudonym, [{"Email": pseudonym}])
    assert json.loads(ed["text"]) == {"email": pseudonym}
    visitor = {"email": pseudonym, "page": "//x.example.org/"}
    unknown = {"visitor": visitor, "email": pseudonym, "Email": pseudonym, "page": "https://jobs.example.org/7"}
    assert json.loads(str(stored.extra)) == unknown
    assert (stored.value("dl"), stored.value("rl")) == ("https://jobs.example.org/7", "/search")


def test_another_key_gives_another_pseudonym() -> None:
    other = replace(PSEUDONYMISE, key=b"another key of 16")

    first, second = (privacy.of_event(event({"uid": PERSON})).value("uid") for privacy in (PSEUDONYMISE, other))

    assert first != second


def test_a_pseudonym_stays_as_it_is() -> None:
    """A replayed dead letter holds pseudonyms: hashed once more, they would be another person's."""
    once = PSEUDONYMISE.of_event(event(TRACES))

    assert PSEUDONYMISE.of_event(once) == once


def test_numbers_keep_their_digits() -> None:
    sent = event({"ed": '{"price": 1.10, "userId": 12345678901234567890, "id": 12345678901234567890}'})

    ed = str(PSEUDONYMISE.of_event(sent).value("ed"))

    assert '"price":1.10' in ed
    assert ed.count("12345678901234567890") == 1


@pytest.mark.parametrize("text", [PERSON, "userId=7", '"jane"', "7", "{", '{"a": "\\ud83d"}', "[" * 100_000])
def test_event_data_in_which_no_name_can_be_found_is_left_out(text: str) -> None:
    assert PSEUDONYMISE.of_event(event({"ed": text})).value("ed") is None


def test_dropped_are_all_fields_that_identify_people_and_all_unknown_ones() -> None:
    full = event({**dict.fromkeys(PERSONAL_FIELDS, "x"), "plan": "gold", "bn": "Firefox"})

    stored = DROP.of_event(full)

    assert {stored.value(name) for name in PERSONAL_FIELDS} == {None}
    assert (stored.extra, stored.value("bn")) == (None, "Firefox")


@pytest.mark.parametrize("privacy", [PSEUDONYMISE, DROP])
@pytest.mark.parametrize(
    "value",
    [
        as_bytes({**an_event(job_id="none"), **TRACES}),
        as_bytes(an_event(uid={"email": PERSON}, dl=[f"https://x.example.org/?{PERSON}"], job_id="none")),
        PERSON.encode(),
        b"[" + orjson.dumps(PERSON) + b"]",
        b'{"uid": "' + PERSON.encode(),
        b"\xff" + PERSON.encode(),
        CutValue.of([PERSON.encode()]),
    ],
)
def test_a_dead_letter_has_no_trace_of_the_person(privacy: Privacy, value: bytes) -> None:
    stored = privacy.of_letter(a_letter(value))

    assert PERSON not in repr(stored)
    assert (stored.origin, stored.reason) == (Origin("raw_events", 0, 7, 1), DeadLetterReason.WRONG_TYPE)


def test_of_a_value_that_is_no_object_only_the_length_is_kept() -> None:
    stored = PSEUDONYMISE.of_letter(a_letter(b"12345"))

    assert isinstance(stored.value, CutValue)
    assert (bytes(stored.value), stored.value.length, stored.value.sha256) == (b"", 5, "")


def test_null_and_empty_values_stay() -> None:
    assert [PSEUDONYMISE.of_letter(a_letter(value, key=None)).value for value in (None, b"")] == [None, b""]


def test_a_dead_letter_still_shows_what_is_wrong_with_it() -> None:
    sent = an_event(uid=PERSON, job_id="none")

    value = PSEUDONYMISE.of_letter(a_letter(as_bytes(sent))).value

    assert json.loads(value or b"") | {"uid": PERSON} == sent


def test_the_settings_name_mode_key_and_names() -> None:
    settings = load_settings(privacy="pseudonymise", privacy_key=KEY.decode(), privacy_names="userId, Email")

    assert privacy_of(settings) == PSEUDONYMISE


def test_a_process_with_another_mode_or_key_is_refused() -> None:
    stored = PSEUDONYMISE.in_force
    require_privacy(stored, PSEUDONYMISE.in_force)

    with pytest.raises(UserError, match="RECRUIT_PRIVACY is keep, but this installation has pseudonymise"):
        require_privacy(stored, KEEP_PEOPLE.in_force)
    with pytest.raises(UserError, match="RECRUIT_PRIVACY_KEY isn't the one of this installation"):
        require_privacy(stored, replace(PSEUDONYMISE, key=b"another key of 16").in_force)
    assert KEY.decode() not in repr(stored)
