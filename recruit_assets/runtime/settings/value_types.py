"""The types that settings have, and how their values are checked."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLError, create_default_context
from typing import Annotated

from pydantic import AfterValidator, Field

TLS_OFF, TLS_SYSTEM = "off", "system"


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC; without a time zone it is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _whole_hour(value: datetime) -> datetime:
    value = as_utc(value)
    if value.minute or value.second or value.microsecond:
        raise ValueError("must be a whole hour, UTC, such as 2024-01-01T00:00")
    return value


def _certificates(value: str) -> str:
    """The file's absolute path, since a run may have another working directory."""
    if value in ("", TLS_OFF, TLS_SYSTEM):
        return value
    file = Path(value)
    try:
        file = file.expanduser().absolute()
        create_default_context(cafile=str(file))
    except (OSError, SSLError, RuntimeError) as error:
        raise ValueError(f"{file} isn't a readable PEM file of CA certificates ({error})") from None
    return str(file)


def _web_address(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return value


def _no_ipv6(value: str) -> str:
    if value.startswith("sc://[") or (":" in value and not value.startswith("sc://")):
        raise ValueError("Spark's clients know no IPv6 addresses here: use host names, without a port for Cassandra")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
WholeHour = Annotated[datetime, AfterValidator(_whole_hour)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,240}$")]
TlsCa = Annotated[str, AfterValidator(_certificates)]
"""The CA that must have signed a server's certificate: a PEM file, or `system` for all that this machine trusts.

`off` stands for a connection without TLS; what empty stands for depends on the store.
"""
WebAddress = Annotated[str, AfterValidator(_web_address)]
HostNames = Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+(, *[A-Za-z0-9.-]+)*)?$")]
Origins = Annotated[str, Field(pattern=r"^(\*|https?://[^\s,/]+(, *https?://[^\s,/]+)*)?$")]
Replicas = Annotated[str, Field(pattern=r"^([1-9]|[A-Za-z0-9_.-]+:[1-9](,[A-Za-z0-9_.-]+:[1-9])*)$")]
ContactPoints = Annotated[str, AfterValidator(_no_ipv6)]
SparkRemote = Annotated[str, Field(pattern=r"^(sc://.+)?$"), AfterValidator(_no_ipv6)]


def checked_words(check: Callable[[list[str]], object]) -> AfterValidator:
    """The check of a comma-separated setting; `check` raises ValueError if the words can't be used."""

    def checked(value: str) -> str:
        check(words(value))
        return value

    return AfterValidator(checked)


def words(value: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in value.split(",") if part.strip()]
