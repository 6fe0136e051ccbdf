"""RECRUIT_PRIVACY on the real engines: no trace of a person is stored, and no process stores them otherwise."""

from collections.abc import Iterator

import pytest

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.topics import audit, records_in, send

PERSON = "jane@example.org"
PSEUDONYMISE = {"privacy": "pseudonymise", "privacy_key": "a key of the tests"}
WHOLE = as_bytes(an_event(seed=1, uid=PERSON, dl=f"https://jobs.example.org/?mail={PERSON}", email=PERSON))
REJECTED = as_bytes(an_event(seed=2, uid=PERSON, job_id="none", ua=["x"]))


@pytest.fixture
def own(engines: Settings) -> Iterator[Settings]:
    settings = fresh_names(engines)
    yield settings
    drop_everything(settings)


def with_privacy(settings: Settings, **values: str) -> Settings:
    return Settings(**settings.model_dump() | values)


@pytest.mark.parametrize("mode", [PSEUDONYMISE, {"privacy": "drop"}])
def test_no_trace_of_a_person_is_stored_and_the_audit_is_exact(own: Settings, mode: dict[str, str]) -> None:
    settings = with_privacy(own, **mode)
    apply_schema(settings)
    send(settings, *(ARecord(value, key=PERSON.encode()) for value in (WHOLE, REJECTED, f"no JSON {PERSON}".encode())))

    result = drain(settings)

    assert (result.events, sum(result.dead_letters.values())) == (1, 2)
    with open_session(settings) as session:
        stored = list(session.execute(f"SELECT * FROM {session.table(RAW_EVENTS)}"))
    assert len(stored) == 1
    assert PERSON not in repr(stored)
    letters = records_in(settings, settings.dlq_topic)
    assert len(letters) == 2
    assert PERSON not in repr([(letter.key, letter.value, letter.headers) for letter in letters])
    assert audit(settings)[0] == {}


def test_a_process_without_the_setting_stores_nothing(own: Settings) -> None:
    """A shell that lacks it would store what ingest takes out."""
    apply_schema(with_privacy(own, **PSEUDONYMISE))
    send(own, ARecord(WHOLE))

    for work in (apply_schema, drain):
        with pytest.raises(UserError, match="RECRUIT_PRIVACY is keep, but this installation has pseudonymise"):
            work(own)

    with open_session(own) as session:
        assert list(session.execute(f"SELECT * FROM {session.table(RAW_EVENTS)}")) == []


def test_what_was_stored_before_a_change_stays_and_the_audit_still_matches(own: Settings) -> None:
    apply_schema(own)
    send(own, ARecord(WHOLE))
    drain(own)
    changed = with_privacy(own, privacy="drop")

    apply_schema(changed, may_change_settings=True)
    send(changed, ARecord(as_bytes(an_event(seed=3, uid=PERSON))))
    drain(changed)

    with open_session(own) as session:
        stored = sorted(uid or "" for (uid,) in session.execute(f"SELECT uid FROM {session.table(RAW_EVENTS)}"))
    assert stored == ["", PERSON]
    assert audit(changed)[0] == {}
