"""Ingest of a history in random order, in which nearly every event of a batch belongs to another hour.

The peer writes a row at a time anyway, so the order makes no difference to it.
"""

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.ingest import OURS, SameRows, ours, rows_in_kafka, use_first_layout
from benchmarks.ingest_vs_row_at_a_time import row_at_a_time
from benchmarks.scattered import EVENTS, HOURS, send_scattered
from recruit_assets.runtime.settings import Settings

KEY = "history_ingest"
PEER_EVENTS = 1_000


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Events per second of both, with the durable commit log."""
    with (
        rows_in_kafka(engines, EVENTS, send_scattered) as rows,
        rows_in_kafka(engines, PEER_EVENTS, _send_for_peer) as few_rows,
    ):
        ours(few_rows, same := SameRows(PEER_EVENTS))
        found = interleaved(
            {"ours": lambda: ours(rows, SameRows(EVENTS)), "peer": lambda: row_at_a_time(few_rows, same)}, repeats
        )
    ours_side, peer = (
        Side(OURS, "events/s", found["ours"]),
        Side("an INSERT per message, as text", "events/s", found["peer"]),
    )
    return [
        Figure(
            key=KEY,
            title=f"Kafka to Cassandra, {EVENTS:,} events scattered in random order over {HOURS:,} hours",
            value=ours_side.median,
            unit="events/s",
            goal=Goal(at_least=15_000),
            ours=ours_side,
            peer=peer,
            notes=(
                f"{PEER_EVENTS:,} events of the peer per repeat",
                f"{ours_side.median / peer.median:,.0f} times the peer's rate",
                *rows.notes,
            ),
        )
    ]


def _send_for_peer(settings: Settings, events: int) -> None:
    send_scattered(settings, events)
    use_first_layout(settings)
