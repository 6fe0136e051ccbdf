"""Malformed records: several kinds for every dead letter reason that a sender can cause.

Each kind corrupts a valid record. The kinds are mistakes known from other tracking systems (Snowplow's bad rows,
PostHog's ingestion warnings, error codes of Google and Sentry), and inputs on which JSON and date parsers disagree.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random
from uuid import UUID

from recruit_assets.contract.dead_letters import DeadLetterReason

Fields = dict[str, object]

TOO_DEEP = 2_000
"""Parsers give up at about 1,000."""
GREATEST_INT = 2**31 - 1
UUID_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ValidRecord:
    """The record to corrupt, and the limits of valid records."""

    value: bytes
    rng: Random
    first_hour: datetime
    max_event_bytes: int

    def fields(self) -> Fields:
        found: Fields = json.loads(self.value)
        return found

    def but(self, **changes: object) -> bytes:
        """The record with these fields changed."""
        return _json(self.fields() | changes)

    def with_literal(self, name: str, literal: str) -> bytes:
        """The record with one field's value replaced by this text, valid JSON or not."""
        return _json(self.fields() | {name: "@literal@"}).replace(b'"@literal@"', literal.encode())


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to corrupt a record; `line` is False if the result can't be a line of a text file."""

    reason: DeadLetterReason
    name: str
    corrupt: Callable[[ValidRecord], bytes | None]
    line: bool = True


def kinds_by_reason(*, lines_only: bool) -> dict[DeadLetterReason, Iterator[Kind]]:
    """For each reason, an endless cycle of its kinds."""
    usable = [kind for kind in KINDS if kind.line or not lines_only]
    return {reason: cycle([kind for kind in usable if kind.reason is reason]) for reason in DeadLetterReason}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _cut(record: ValidRecord) -> bytes:
    ascii_only = json.dumps(record.fields()).encode()  # a cut inside a character would be invalid UTF-8
    return ascii_only[: len(ascii_only) * 2 // 3]


def _without_create_time(record: ValidRecord) -> bytes:
    fields = record.fields()
    del fields["create_time"]
    return _json(fields)


def _padded(record: ValidRecord, size: int) -> bytes:
    """The record, padded to `size` bytes."""
    bare = record.but(dt="")
    return record.but(dt="x" * (size - len(bare)))


def _random_uuid(record: ValidRecord) -> str:
    return str(UUID(int=record.rng.getrandbits(128), version=4))


def _before(record: ValidRecord, earlier: timedelta) -> bytes:
    return record.but(ts=f"{record.first_hour - earlier:%Y-%m-%d %H:%M:%S.%f}")


def _first_hour_in_the_east(record: ValidRecord) -> bytes:
    """The local time of the first hour at UTC+2, which is two hours too early."""
    return record.but(ts=f"{record.first_hour:%Y-%m-%dT%H:%M:%S}+02:00")


def _created(record: ValidRecord, moment: datetime) -> bytes:
    """The record without ts and with the create_time of this moment."""
    fields = list(UUID(str(record.fields()["create_time"])).fields)
    ticks = (moment - UUID_EPOCH) // timedelta(microseconds=1) * 10
    fields[0], fields[1], fields[2] = ticks & 0xFFFF_FFFF, ticks >> 32 & 0xFFFF, ticks >> 48 | 0x1000
    return record.but(ts=None, create_time=str(UUID(fields=tuple(fields))))  # type: ignore[arg-type]  # six integers


def _field(name: str, value: object) -> Callable[[ValidRecord], bytes]:
    return lambda record: record.but(**{name: value})


def _literal(name: str, literal: str) -> Callable[[ValidRecord], bytes]:
    return lambda record: record.with_literal(name, literal)


def _whole(value: bytes | None) -> Callable[[ValidRecord], bytes | None]:
    return lambda _: value


_R = DeadLetterReason

KINDS = (
    Kind(_R.EMPTY, "no bytes", _whole(b""), line=False),
    Kind(_R.TOMBSTONE, "null value", _whole(None), line=False),
    Kind(_R.NOT_UTF8, "Latin-1 text", lambda m: m.but(dt="@").replace(b'"@"', b'"Caf\xe9"'), line=False),
    Kind(_R.NOT_UTF8, "cut inside a character", lambda m: m.but(zz="@ü").split("ü".encode())[0] + b"\xc3", line=False),
    Kind(_R.NOT_UTF8, "overlong slash", lambda m: m.but(dl="@").replace(b'"@"', b'"\xc0\xaf"'), line=False),
    Kind(_R.NOT_UTF8, "surrogates as bytes", lambda m: m.but(dt="@").replace(b'"@"', b'"\xed\xa0\xbd"'), line=False),
    Kind(_R.NOT_UTF8, "byte order mark", lambda m: b"\xef\xbb\xbf" + m.value, line=False),
    Kind(_R.NOT_UTF8, "UTF-16", lambda m: m.value.decode().encode("utf-16"), line=False),
    Kind(_R.NOT_JSON, "cut off", _cut),
    Kind(_R.NOT_JSON, "two documents", lambda m: m.value + m.value),
    Kind(_R.NOT_JSON, "NaN", _literal("bid", "NaN")),
    Kind(_R.NOT_JSON, "half a surrogate pair", _literal("dt", '"caf\\ud83d"')),
    Kind(_R.NOT_JSON, "Python's repr", lambda m: repr(m.fields()).encode()),
    Kind(_R.NOT_JSON, "trailing comma", lambda m: m.value[:-1] + b",}"),
    Kind(_R.NOT_JSON, "leading zero", _literal("bid", "017")),
    Kind(_R.NOT_JSON, "an error page", _whole(b"<html><body>502 Bad Gateway</body></html>")),
    Kind(_R.NOT_JSON, "only blanks", _whole(b"  "), line=False),
    Kind(_R.NOT_OBJECT, "empty array", _whole(b"[]")),
    Kind(_R.NOT_OBJECT, "event in an array", lambda m: b"[" + m.value + b"]"),
    Kind(_R.NOT_OBJECT, "null", _whole(b"null")),
    Kind(_R.NOT_OBJECT, "string", _whole(b'"x"')),
    Kind(_R.NOT_OBJECT, "number", _whole(b"1")),
    Kind(_R.NOT_OBJECT, "encoded twice", lambda m: _json(m.value.decode())),
    Kind(_R.TOO_DEEP, "array", _whole(b"[" * TOO_DEEP + b"]" * TOO_DEEP)),
    Kind(_R.TOO_DEEP, "unknown field", _literal("xs", "[" * TOO_DEEP + "]" * TOO_DEEP)),
    Kind(_R.TOO_DEEP, "known field", _literal("dt", '{"a":' * TOO_DEEP + "1" + "}" * TOO_DEEP)),
    Kind(_R.MISSING, "no create_time", _without_create_time),
    Kind(_R.MISSING, "null create_time", _field("create_time", None)),
    Kind(_R.MISSING, "empty object", _whole(b"{}")),
    Kind(_R.INVALID_UUID, "not a UUID", _field("create_time", "guest")),
    Kind(_R.INVALID_UUID, "empty", _field("create_time", "")),
    Kind(_R.INVALID_UUID, "version 4", lambda m: m.but(create_time=_random_uuid(m))),
    Kind(_R.INVALID_UUID, "all zero", _field("create_time", str(UUID(int=0)))),
    Kind(_R.INVALID_UUID, "a digit short", lambda m: m.but(create_time=str(m.fields()["create_time"])[:-1])),
    Kind(_R.INVALID_UUID, "a number", _field("create_time", 1_767_604_000)),
    Kind(_R.WRONG_TYPE, "object for a string", _field("dl", {"href": "https://jobs.example/"})),
    Kind(_R.WRONG_TYPE, "array for a string", _field("ua", ["Mozilla/5.0"])),
    Kind(_R.WRONG_TYPE, "object for the action", _field("custom_track", {"action": "click"})),
    Kind(_R.WRONG_TYPE, "words for a number", _field("bid", "abc")),
    Kind(_R.WRONG_TYPE, "nothing for a number", _field("job_id", "")),
    Kind(_R.WRONG_TYPE, "fraction", _field("bid", 1.5)),
    Kind(_R.WRONG_TYPE, "fraction in a string", _field("job_id", "1.5")),
    Kind(_R.WRONG_TYPE, "true for a number", _field("publisher_id", True)),
    Kind(_R.WRONG_TYPE, "array for a number", _field("group_id", [1])),
    Kind(_R.OUT_OF_RANGE, "one too many", _field("job_id", GREATEST_INT + 1)),
    Kind(_R.OUT_OF_RANGE, "one too few", _field("tz", -GREATEST_INT - 2)),
    Kind(_R.OUT_OF_RANGE, "in a string", _field("campaign_id", str(GREATEST_INT + 1))),
    Kind(_R.OUT_OF_RANGE, "as a float", _literal("bid", "10000000000.0")),
    Kind(_R.OUT_OF_RANGE, "2^63", _field("ev", 2**63)),
    Kind(_R.OUT_OF_RANGE, "2^64", _field("v", 2**64)),
    Kind(_R.OUT_OF_RANGE, "beyond a double", _literal("bid", "1e400")),
    Kind(_R.BAD_TIMESTAMP, "30 February", _field("ts", "2026-02-30 10:00:00")),
    Kind(_R.BAD_TIMESTAMP, "24:00", _field("ts", "2026-01-05 24:00:00")),
    Kind(_R.BAD_TIMESTAMP, "second 60", _field("ts", "2026-01-05 10:00:60")),
    Kind(_R.BAD_TIMESTAMP, "week date", _field("ts", "2026-W01-1")),
    Kind(_R.BAD_TIMESTAMP, "zone of 25 hours", _field("ts", "2026-01-05T10:00:00+25:00")),
    Kind(_R.BAD_TIMESTAMP, "zero date", _field("ts", "0000-00-00 00:00:00")),
    Kind(_R.BAD_TIMESTAMP, "words", _field("ts", "gestern")),
    Kind(_R.BAD_TIMESTAMP, "empty", _field("ts", "")),
    Kind(_R.BEFORE_FIRST_HOUR, "a millisecond", lambda m: _before(m, timedelta(milliseconds=1))),
    Kind(_R.BEFORE_FIRST_HOUR, "a day", lambda m: _before(m, timedelta(days=1))),
    Kind(_R.BEFORE_FIRST_HOUR, "only in UTC", _first_hour_in_the_east),
    Kind(_R.BEFORE_FIRST_HOUR, "by create_time", lambda m: _created(m, m.first_hour - timedelta(hours=9))),
    Kind(_R.FUTURE, "year 2099", _field("ts", "2099-12-31 23:59:59")),
    Kind(_R.FUTURE, "year 9999", _field("ts", "9999-12-31T23:59:59Z")),
    Kind(_R.FUTURE, "by create_time", lambda m: _created(m, m.first_hour.replace(year=2120, day=1))),
    Kind(_R.TOO_LARGE, "a byte too many", lambda m: _padded(m, m.max_event_bytes + 1)),
    Kind(_R.TOO_LARGE, "far too large", lambda m: _padded(m, m.max_event_bytes * 5 // 4)),
)  # fmt: skip
"""One per line, to keep the list readable."""
