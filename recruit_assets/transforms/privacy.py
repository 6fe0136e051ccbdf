"""Takes out of an event, or of a dead letter, what identifies a person, before it is stored (RECRUIT_PRIVACY).

A pseudonym is a keyed hash: the same person has the same one everywhere, and without the key nobody can find out whose
it is. A pseudonym stays as it is, so that a dead letter can be replayed.
"""

import hmac
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from recruit_assets.contract.cut_values import CutValue
from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.privacy import PERSONAL_FIELDS, URL_FIELDS, PrivacyInForce, PrivacyMode
from recruit_assets.runtime.errors import RejectedEvent, UserError
from recruit_assets.runtime.settings import Settings, words
from recruit_assets.transforms.decode import exact_numbers
from recruit_assets.transforms.validate import COLUMNS, Event, Value

PSEUDONYM = re.compile(r"p1_[0-9a-f]{32}")
"""The 1 stands for this way to make them: HMAC-SHA256, of which 128 bits are enough to tell people apart."""
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_AFTER_PATH = re.compile(r"[?#].*", re.DOTALL)
_CONTAINER = (dict, list)
NOT_JSON = (ValueError, RecursionError, RejectedEvent, orjson.JSONEncodeError)
"""What parsing and writing raise: not JSON, nested too deeply, half of a character."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """The rules of a mode. `names` are fields, in lower case, whose values become pseudonyms wherever they occur."""

    mode: PrivacyMode = PrivacyMode.KEEP
    key: bytes = b""
    names: AbstractSet[str] = frozenset()

    @property
    def keeps_all(self) -> bool:
        return self.mode is PrivacyMode.KEEP

    @property
    def in_force(self) -> PrivacyInForce:
        """What an installation remembers of it."""
        return PrivacyInForce(self.mode, self.key_check if self.mode is PrivacyMode.PSEUDONYMISE else "")

    @property
    def key_check(self) -> str:
        """A hash that shows whether two keys are the same, and doesn't reveal them."""
        return _hash(self.key, "key check")[:16]

    @property
    def personal_columns(self) -> frozenset[str]:
        """The columns of raw_events that `drop` leaves empty."""
        return frozenset({"extra", *(name for name in COLUMNS if self._is_personal(name))})

    def pseudonym(self, value: Any) -> str:  # noqa: ANN401  # any JSON
        """The pseudonym of a uid, or of another value; a pseudonym's is itself."""
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return text if PSEUDONYM.fullmatch(text) else f"p1_{_hash(self.key, text)[:32]}"

    def of_event(self, event: Event) -> Event:
        """The event as it may be stored; its identity, time and counted fields are the same."""
        if self.keeps_all:
            return event
        values = [self._of_column(name, value) for name, value in zip(COLUMNS, event.values, strict=True)]
        extra = self._of_json_text(event.extra) if event.extra and self.mode is PrivacyMode.PSEUDONYMISE else None
        return replace(event, values=values, extra=extra)

    def of_letter(self, letter: DeadLetter) -> DeadLetter:
        """The dead letter as it may be stored. A value that isn't a JSON object is left out, only its length is kept:
        nobody can tell what is in it. So are headers, and the message, which may quote the value."""
        if self.keeps_all:
            return letter
        return replace(
            letter,
            key=self._of_key(letter.key),
            value=self._of_value(letter.value),
            headers=(),
            message=f"{letter.origin}: {letter.reason}; no details are kept",
        )

    def _of_column(self, name: str, value: Value) -> Value:
        if value is None or not self._is_personal(name):
            return value
        if self.mode is PrivacyMode.DROP:
            return None
        if name in self.names:
            return self.pseudonym(value)
        if name == "ed":
            return self._of_json_text(str(value))
        return _without_query(str(value)) if name in URL_FIELDS else value

    def _of_key(self, key: bytes | None) -> bytes | None:
        if key is None or self.mode is PrivacyMode.DROP:
            return None
        return self.pseudonym(key.decode(errors="backslashreplace")).encode()

    def _of_value(self, value: bytes | None) -> bytes | None:
        if not value:
            return value
        try:
            document = None if isinstance(value, CutValue) else exact_numbers(value)
            if isinstance(document, dict):
                return orjson.dumps(self._of_document(document))
        except NOT_JSON:
            pass
        return CutValue.withheld(value)

    def _of_document(self, document: dict[str, Any]) -> dict[str, Any]:
        """A rejected event, whose fields may have any type."""
        if self.mode is PrivacyMode.DROP:
            kept = [name for name in document if name in COLUMNS and not self._is_personal(name)]
            return {name: None if isinstance(document[name], _CONTAINER) else document[name] for name in kept}
        return {
            name: self._of_column(name, value)
            if name in COLUMNS and isinstance(value, str)
            else self._of_field(name, value)
            for name, value in document.items()
        }

    def _is_personal(self, name: str) -> bool:
        return name in PERSONAL_FIELDS or name in self.names

    def _of_field(self, name: str, value: Any) -> Any:  # noqa: ANN401  # any JSON
        if value is not None and name.lower() in self.names:
            return self.pseudonym(value)
        return self._of_json(value)

    def _of_json(self, value: Any) -> Any:  # noqa: ANN401  # any JSON
        match value:
            case dict():
                return {name: self._of_field(name, inner) for name, inner in value.items()}
            case list():
                return [self._of_json(inner) for inner in value]
            case str() if value.startswith(("{", "[")):
                return self._of_json_text(value)
            case str() if _URL.match(value):
                return _without_query(value)
            case _:
                return value

    def _of_json_text(self, text: str) -> str | None:
        """A JSON object or list as text, such as `ed`; None for any other text, in which nobody can tell names."""
        try:
            document = exact_numbers(text.encode())
            return orjson.dumps(self._of_json(document)).decode() if isinstance(document, _CONTAINER) else None
        except NOT_JSON:
            return None


KEEP_PEOPLE = Privacy()


def privacy_of(settings: Settings) -> Privacy:
    """The rules that the settings ask for."""
    return Privacy(
        PrivacyMode(settings.privacy),
        settings.privacy_key.get_secret_value().encode(),
        frozenset({"uid", *(name.lower() for name in words(settings.privacy_names))}),
    )


def require_privacy(stored: PrivacyInForce, wanted: PrivacyInForce) -> None:
    """UserError if this process would store events in another way than the installation does."""
    if wanted == stored:
        return
    problem = (
        f"RECRUIT_PRIVACY is {wanted.mode}, but this installation has {stored.mode}"
        if wanted.mode is not stored.mode
        else "RECRUIT_PRIVACY_KEY isn't the one of this installation: people would get other pseudonyms"
    )
    raise UserError(f"{problem}. Set it as it is there, or change it there with `recruit-assets schema apply`")


def _hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(errors="backslashreplace"), sha256).hexdigest()


def _without_query(url: str) -> str:
    return _AFTER_PATH.sub("", url)
