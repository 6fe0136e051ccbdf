"""Settings of what is kept of the events: from which hour on, for how long, and which personal data."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from recruit_assets.contract.privacy import FIELDS, PSEUDONYMISED
from recruit_assets.contract.retention import MAX_DAYS, MIN_DAYS
from recruit_assets.runtime.settings.value_types import WholeHour, words


class RetentionSettings(BaseModel):
    """First hour, retention and privacy."""

    first_hour: WholeHour = Field(
        datetime(2024, 1, 1, tzinfo=UTC), description="First hourly partition, UTC; may only be lowered"
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=MAX_DAYS,
        description="Days after which events expire and their hours are frozen, at least 7; 0: they are kept",
    )
    privacy: Literal["keep", "pseudonymise", "drop"] = Field(
        "keep", description="What is stored of the fields that identify people, see docs/security.md"
    )
    privacy_key: SecretStr = Field(
        SecretStr(""), description="Key of the pseudonyms, 16 characters or more; needed for `pseudonymise`"
    )
    privacy_names: str = Field(
        "user_id,userId,email,phone,ip",
        description="Names of fields that become pseudonyms as uid does, also inside `ed` and unknown fields; comma "
        "separated",
    )

    @field_validator("retention_days")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if 0 < value < MIN_DAYS:
            raise ValueError(f"must be 0 or at least {MIN_DAYS}: the daily schedule looks back days")
        return value

    @field_validator("privacy_names")
    @classmethod
    def _free_text(cls, value: str) -> str:
        needed = [name for name in words(value) if name in FIELDS and name not in PSEUDONYMISED]
        if needed:
            raise ValueError(f"{', '.join(needed)} can't be pseudonyms: the report needs them, or they aren't text")
        return value
