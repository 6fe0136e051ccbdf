"""What events may keep of a person: RECRUIT_PRIVACY, and the fields that identify people. The rules are
`transforms.privacy`.
"""

from dataclasses import dataclass
from enum import StrEnum

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.types import Type

URL_FIELDS = ("dl", "rl")
PERSONAL_FIELDS = (
    *URL_FIELDS, "ed", "ua", "uid", "utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term",
)  # fmt: skip
"""Only raw_events has them. Fields that the contract doesn't name may identify people too."""

FIELDS = frozenset(column.name for column in EVENT_COLUMNS)
PSEUDONYMISED = frozenset(
    column.name for column in EVENT_COLUMNS if column.type is Type.TEXT and column.name not in ("ts", "custom_track")
)
"""Fields that may become pseudonyms: text that neither identity nor report needs."""


class PrivacyMode(StrEnum):
    """What is stored of the fields that identify people."""

    KEEP = "keep"
    PSEUDONYMISE = "pseudonymise"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person of whom nothing is stored in events up to a time, ms since the epoch."""

    person: str
    """Hash of the uid, see `transforms.erasure`: whoever has only the hash can't tell who it was."""
    salt: str
    through_ms: int


@dataclass(frozen=True, slots=True)
class PrivacyInForce:
    """The mode that an installation's events are stored with, and which key makes its pseudonyms."""

    mode: PrivacyMode = PrivacyMode.KEEP
    key_check: str = ""
    """Tells keys apart and doesn't reveal them; empty without a key."""
