"""Rows that a transaction may have to write again are kept in a file and not in memory."""

import tracemalloc
from collections.abc import Iterator

import pytest

from recruit_assets.stores.mysql import spill_file as spill_file_module
from recruit_assets.stores.mysql.spill_file import Row, open_spill_file


def rows(count: int) -> Iterator[Row]:
    return ((number, float(number), f"row {number}", None) for number in range(count))


def test_rows_can_be_read_more_than_once() -> None:
    with open_spill_file(chunk_rows=2) as spill_file:
        assert list(spill_file.fill(rows(5))) == list(rows(5))
        for _ in range(2):
            assert list(spill_file.read()) == list(rows(5))


def test_a_file_without_rows_is_empty() -> None:
    with open_spill_file(chunk_rows=2) as spill_file:
        assert list(spill_file.fill(iter(()))) == []
        assert list(spill_file.read()) == []


def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows in memory would need 6 times the memory that the test allows."""
    limit = spill_file_module.IN_MEMORY_BYTES // 4
    monkeypatch.setattr(spill_file_module, "IN_MEMORY_BYTES", limit)
    tracemalloc.start()
    try:
        with open_spill_file(chunk_rows=250) as spill_file:
            total = sum(1 for _ in spill_file.fill(rows(75_000)))
            again = sum(1 for _ in spill_file.read())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (total, again) == (75_000, 75_000)
    assert peak_bytes < 3 * limit
