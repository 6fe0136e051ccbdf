"""Takes out of events, and of dead letters, the people who were erased, however often their records come back.

An erasure counts for events up to a time, by the event's own time: so all records of an event are treated alike, and so
is one that a replay or another program sends again. It knows a person as a hash only.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from secrets import token_hex

import orjson

from recruit_assets.contract.cut_values import CutValue
from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.privacy import Erasure, PrivacyInForce, PrivacyMode
from recruit_assets.runtime.errors import UserError
from recruit_assets.transforms.decode import exact_numbers
from recruit_assets.transforms.privacy import NOT_JSON, Privacy
from recruit_assets.transforms.validate import POSITIONS, Event

HASH_BYTES = 16
SALT_BYTES = 16
_UID = POSITIONS["uid"]
_UID_IN_TEXT = re.compile(rb'"uid"\s*:\s*("(?:[^"\\]|\\.)*"|[^\s,"{}\[\]]+)')
"""In a value that isn't JSON, or was cut off."""


class ErasedPeople:
    """The erasures of an installation. `privacy` names the fields that identify people."""

    def __init__(self, privacy: Privacy, erasures: Iterable[Erasure] = ()) -> None:
        self._rules = replace(privacy, mode=PrivacyMode.DROP)
        self._columns = self._rules.personal_columns
        self._by_salt: dict[bytes, dict[str, int]] = {}
        self.newest_ms = 0
        """The latest time of an erasure; 0 without any."""
        self.add(erasures)

    def add(self, erasures: Iterable[Erasure]) -> None:
        """Add erasures, known ones too: of a person's, the latest counts."""
        for one in erasures:
            people = self._by_salt.setdefault(bytes.fromhex(one.salt), {})
            people[one.person] = max(one.through_ms, people.get(one.person, 0))
            self.newest_ms = max(self.newest_ms, one.through_ms)

    def of_event(self, event: Event) -> Event:
        """The event as it may be stored; its identity, time and counted fields are the same."""
        uid = event.values[_UID] if self._by_salt else None
        if uid is None or not self._is_erased(str(uid), event.event_time_ms):
            return event
        return replace(self._rules.of_event(event), erased=self._columns)

    def of_letter(self, letter: DeadLetter) -> DeadLetter:
        """The dead letter as it may be stored or sent again. It is of a person whose uid is its key or in its value."""
        if letter.origin.timestamp_ms > self.newest_ms:
            return letter
        uids = set(_uids(letter.key, letter.value))
        if self._rules.key:  # it may have been erased by its pseudonym
            uids |= {self._rules.pseudonym(uid) for uid in uids}
        if not any(self._is_erased(uid, letter.origin.timestamp_ms) for uid in uids):
            return letter
        return without_people(letter, self._rules)

    def _is_erased(self, uid: str, at_ms: int) -> bool:
        return at_ms <= self.newest_ms and any(
            at_ms <= people.get(_hash(uid, salt), -1) for salt, people in self._by_salt.items()
        )


def without_people(letter: DeadLetter, privacy: Privacy) -> DeadLetter:
    """The dead letter with nothing that identifies people; one that was cut off stays one that can't be replayed."""
    if not letter.is_whole:
        letter = replace(letter, value=CutValue.withheld(letter.value or b""))
    changed = replace(privacy, mode=PrivacyMode.DROP).of_letter(letter)
    return replace(changed, is_whole=not isinstance(changed.value, CutValue))


@dataclass(frozen=True, slots=True)
class Person:
    """A person, by the uids that events of theirs may have: as sent, and as a pseudonym."""

    uids: frozenset[str]
    privacy: Privacy

    def owns(self, key: bytes | None, value: bytes | None) -> bool:
        """Whether a record is the person's: the uid is its key or in its value."""
        return any(uid in self.uids or self.privacy.pseudonym(uid) in self.uids for uid in _uids(key, value))

    def erasures(self, known: Sequence[Erasure], *, through_ms: int) -> list[Erasure]:
        """New erasures of the person, with the salt of the others, if there are any."""
        salt = known[0].salt if known else token_hex(SALT_BYTES)
        return [Erasure(_hash(uid, bytes.fromhex(salt)), salt, through_ms) for uid in sorted(self.uids)]


def person_of(uid: str, privacy: Privacy, stored: Sequence[PrivacyInForce]) -> Person:
    """The person with this uid or pseudonym.

    UserError if pseudonyms were ever stored, and this process doesn't have their key.
    """
    keys = {one.key_check for one in stored if one.mode is PrivacyMode.PSEUDONYMISE}
    if keys and privacy.key_check not in keys:
        raise UserError(
            "this installation has stored pseudonyms, and RECRUIT_PRIVACY_KEY isn't their key: set it, so that the "
            "person is found"
        )
    return Person(frozenset({uid, privacy.pseudonym(uid)} if keys else {uid}), privacy)


def _uids(key: bytes | None, value: bytes | None) -> Iterator[str]:
    if key:
        yield key.decode(errors="backslashreplace")
    if not value or b"uid" not in value:
        return
    try:
        document = exact_numbers(value)
    except NOT_JSON:
        document = None
    if isinstance(document, dict):
        yield from _text(document.get("uid"))
        return
    for found in _UID_IN_TEXT.findall(value):
        try:
            yield from _text(orjson.loads(found))
        except ValueError:
            yield found.decode(errors="backslashreplace")


def _text(found: object) -> Iterator[str]:
    """The text that a column would have of this JSON value; nothing of an object or a list, which is no uid."""
    if isinstance(found, str):
        yield found
    elif found is not None and not isinstance(found, dict | list):
        yield orjson.dumps(found).decode()


def _hash(uid: str, salt: bytes) -> str:
    return blake2b(uid.encode(errors="backslashreplace"), key=salt, digest_size=HASH_BYTES).hexdigest()
