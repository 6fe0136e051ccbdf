"""A peer must write the same rows as ingest, or its time doesn't count."""

from benchmarks.ingest_vs_row_at_a_time import insert_statement
from recruit_assets_tests.support.builders import an_event, as_bytes


def test_the_insert_has_only_present_fields_and_quotes_them() -> None:
    event = an_event(ts="2026-01-05T09:12:13.456+02:00", bid="25.0", md=True, dt="Job's title", campaign_id=None)

    statement = insert_statement(as_bytes(event), 1_767_597_133_999)

    assert statement.startswith("INSERT INTO raw_events (create_time, bid, ")
    assert "campaign_id" not in statement
    for cell in ("25", "'true'", "'Job''s title'", "1767596400000", "1767597133456", "1767597133999"):
        assert f", {cell}" in statement
