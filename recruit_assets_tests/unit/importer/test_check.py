"""What becomes of a row: the same event whenever it is read, or a refusal with ingest's own reason."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from recruit_assets.importer.check import AcceptedRow, FileReport, HourCount, checked_rows, require_time
from recruit_assets.importer.identity import Identity
from recruit_assets.importer.report_text import report_lines
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.times import to_ms
from recruit_assets.transforms.validate import Limits

NOW_MS = to_ms(datetime(2026, 1, 6, tzinfo=UTC))
SEVEN_MS = to_ms(datetime(2026, 1, 5, 7, tzinfo=UTC))
HOUR_MS = 3_600_000
LIMITS = Limits(max_bytes=1_000, first_hour_ms=to_ms(datetime(2024, 1, 1, tzinfo=UTC)))
CREATE_TIME = "5e50a9c2-aad9-11ee-9f2a-0242ac120002"
CLICK = {"ts": "2026-01-05 07:30:00", "custom_track": "click", "job_id": "1"}


def check(*rows: Row | RefusedRow, digest: str = "d", key: str = "") -> list[AcceptedRow | RefusedRow]:
    return list(checked_rows(rows, identity=Identity(digest, key), limits=LIMITS, received_at_ms=NOW_MS))


def accepted(row: Row, *, digest: str = "d", key: str = "") -> AcceptedRow:
    (found,) = check(row, digest=digest, key=key)
    assert isinstance(found, AcceptedRow)
    return found


def create_time(number: int = 1, *, digest: str = "d", key: str = "", **fields: object) -> str:
    return str(accepted(Row(number, CLICK | fields), digest=digest, key=key).event.create_time)


def reported(rows: Iterable[Row | RefusedRow]) -> FileReport:
    report = FileReport()
    for row in check(*rows):
        report.add(row)
    return report


def test_a_made_create_time_is_a_version_1_uuid_of_the_event_time() -> None:
    made = UUID(create_time())

    assert (made.version, made.variant) == (1, "specified in RFC 4122")
    assert (made.time - 0x01B21DD213814000) // 10_000 == SEVEN_MS + HOUR_MS // 2


def test_the_same_row_of_the_same_file_is_always_the_same_event() -> None:
    assert create_time() == create_time()
    assert len({create_time(), create_time(2), create_time(digest="other"), create_time(ts="2026-01-05 08:00:00")}) == 4


def test_with_a_key_the_file_and_line_do_not_matter() -> None:
    assert create_time(1, key="id", id="7") == create_time(9, key="id", id="7", digest="other", bid="5")
    assert create_time(key="id", id="7") != create_time(key="id", id="8")


def test_a_given_create_time_stays() -> None:
    assert create_time(create_time=CREATE_TIME) == CREATE_TIME


def test_a_row_that_can_be_sent_as_it_is_is() -> None:
    line = orjson.dumps(CLICK | {"create_time": CREATE_TIME}, option=orjson.OPT_INDENT_2)

    assert accepted(Row(1, CLICK | {"create_time": CREATE_TIME}, json=line)).value == line


@pytest.mark.parametrize(
    ("fields", "reason", "message"),
    [
        ({"ts": None}, "missing", "create_time: absent, and so is ts"),
        ({"ts": "05/01/2026"}, "bad_timestamp", "ts: wanted YYYY-MM-DD HH:MM:SS, found '05/01/2026'"),
        ({"ts": 1767600000}, "bad_timestamp", "ts: wanted YYYY-MM-DD HH:MM:SS, found '1767600000'"),
        ({"ts": "0001-01-01 00:00:00"}, "before_first_hour", "is before RECRUIT_FIRST_HOUR"),
        ({"ts": "9999-12-31 23:59:59"}, "future", "more than 300 s after"),
        ({"bid": "abc"}, "wrong_type", "bid: wanted a whole number, found a string 'abc'"),
        ({"bid": "99999999999"}, "out_of_range", "bid: wanted a 32-bit integer"),
        ({"create_time": "7"}, "invalid_uuid", "create_time: wanted a version-1 UUID"),
        ({"ua": "x" * 2_000}, "too_large", "RECRUIT_MAX_EVENT_BYTES allows 1000"),
        ({"x": 2**70}, "not_json", "the row can't be written as JSON"),
    ],
)
def test_a_row_is_refused_for_the_reasons_of_ingest(fields: dict[str, object], reason: str, message: str) -> None:
    given = {name: value for name, value in (CLICK | fields).items() if value is not None}
    (refused,) = check(Row(7, given))

    assert isinstance(refused, RefusedRow)
    assert (refused.number, refused.reason, refused.fields) == (7, reason, given)
    assert message in refused.message


def test_a_row_without_its_key_is_refused() -> None:
    (refused,) = check(Row(7, CLICK), key="id")

    assert isinstance(refused, RefusedRow)
    assert (refused.reason, refused.message[:11]) == ("missing", "id: absent,")


def test_a_file_without_any_time_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"f.csv has neither create_time nor ts.*--map COLUMN=ts.*when, job_id"):
        require_time(["when", "job_id"], name="f.csv")
    require_time(["ts"], name="f.csv")
    require_time(["create_time"], name="f.csv")


def test_the_report_counts_hours_countable_rows_and_reasons() -> None:
    report = reported(
        [
            Row(2, CLICK),
            Row(3, CLICK | {"ts": "2026-01-05 08:59:59.999"}),
            Row(4, CLICK | {"custom_track": "scroll", "colour": "red"}),
            Row(5, {name: value for name, value in CLICK.items() if name != "job_id"}),
            *(Row(number, CLICK | {"bid": "x"}) for number in range(6, 11)),
            RefusedRow(11, "not_csv", "bad"),
        ]
    )

    assert report.hours == {SEVEN_MS: HourCount(3, 1), SEVEN_MS + HOUR_MS: HourCount(1, 1)}
    assert (report.rows, report.accepted, report.countable, report.without_job) == (10, 4, 2, 1)
    assert (report.refused, report.unknown) == ({"wrong_type": 5, "not_csv": 1}, {"colour": 1})
    assert [row.number for row in report.examples] == [6, 7, 8, 11]


def test_the_report_is_readable() -> None:
    report = reported([Row(2, CLICK), Row(3, CLICK | {"bid": "x", "shop": "a"}), RefusedRow(4, "not_csv", "bad")])

    assert list(report_lines(report)) == [
        "rows: 3, events: 1, refused: 2",
        "countable: 1",
        "hour (UTC)            rows   countable",
        "2026-01-05 07:00         1           1",
        "refused, wrong_type: 1",
        "  line 3: bid: wanted a whole number, found a string 'x'",
        "refused, not_csv: 1",
        "  line 4: bad",
    ]


def test_many_hours_are_reported_by_day() -> None:
    rows = [Row(1, CLICK | {"ts": f"2026-01-{day:02} {hour:02}:00:00"}) for day in (1, 2, 4) for hour in range(20)]

    assert list(report_lines(reported(rows)))[2:] == [
        "60 hours with events, from 2026-01-01 00:00 to 2026-01-04 20:00 UTC",
        "day (UTC)             rows   countable",
        "2026-01-01              20          20",
        "2026-01-02              20          20",
        "2026-01-04              20          20",
    ]
