"""A ledger is read completely, or an error says what is wrong with it."""

from pathlib import Path

import orjson
import pytest

from recruit_assets.observability.audit.audit_db import LEDGER_COLUMNS, open_audit_database
from recruit_assets.observability.audit.ledger_file import LedgerCounts, LedgerFile, LedgerRow, read_ledger, take_ledger
from recruit_assets.runtime.errors import UserError
from recruit_assets_tests.support.simulations import a_spec, simulated

ROW: LedgerRow = [1, "2026-01-05 00:00:00", 7, 0, 0, 0, 9, 4, 3, 2, 10.5, 2, None, 21.0, "Cassandra"]
COUNTS = {
    "records": 9, "events": 5, "duplicates": 2, "dead_letters": {"empty": 2}, "countable": 3, "unattributed": 1,
    "late": 1,
}  # fmt: skip


def write(path: Path, **parts: object) -> Path:
    file = path / "ledger.json"
    file.write_bytes(orjson.dumps({"version": 1, "seed": 7, "counts": COUNTS, "report": [ROW]} | parts))
    return file


def test_counts_and_report_are_read(tmp_path: Path) -> None:
    further = ["2026-01-05 07:00:00", 1, 2, 3, 4, "hired", 5]
    ledger = read_ledger(write(tmp_path, downstream={"funnel_actions": [further]}))

    assert ledger.counts == LedgerCounts(9, 5, 2, {"empty": 2}, 3, 1)
    with open_audit_database() as audit_db:
        take_ledger(audit_db, ledger)
        assert list(audit_db.rows(f"SELECT {', '.join(LEDGER_COLUMNS)} FROM ledger")) == [tuple(ROW)]
        assert list(audit_db.rows("SELECT * FROM ledger_funnel_actions")) == [(*further, "")]


def test_the_simulators_ledger_can_be_read(tmp_path: Path) -> None:
    _, ledger = simulated(a_spec(events=500))
    ledger.write(tmp_path / "ledger.json")

    read = read_ledger(tmp_path / "ledger.json")

    assert (read.counts.records, [tuple(row) for row in read.report]) == (500, ledger.report())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"version": 2}, "isn't a ledger of version 1: version: Input should be 1"),
        ({"report": [ROW[:-1]]}, r"isn't a ledger of version 1: report\.0: List should have at least 15 items"),
        ({"downstream": {"days": []}}, r"isn't a ledger of version 1: downstream: Value error, has no table days"),
        (
            {"downstream": {"funnel_actions": [[1]]}},
            "downstream: Value error, a row of funnel_actions has other columns",
        ),
        ({"counts": {}}, r"isn't a ledger of version 1: counts\.records: Field required"),
    ],
)
def test_another_document_is_rejected(tmp_path: Path, parts: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_ledger(write(tmp_path, **parts))


def test_a_file_that_is_not_json_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text("nonsense")
    with pytest.raises(UserError, match="isn't a ledger of version 1: the document: Invalid JSON"):
        read_ledger(tmp_path / "ledger.json")


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ledger .*none\.json can't be read: No such file or directory"):
        read_ledger(tmp_path / "none.json")


def test_a_repeated_report_row_is_rejected() -> None:
    with open_audit_database() as audit_db, pytest.raises(UserError, match="two rows with the same key"):
        take_ledger(audit_db, LedgerFile(version=1, counts=LedgerCounts(9, 5, 2, {}, 3, 1), report=[ROW, ROW]))
