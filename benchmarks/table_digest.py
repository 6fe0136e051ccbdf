"""A digest of a table's rows that doesn't depend on their order: equal digests mean equal rows.

It is computed from the bytes of the cells, so nothing is decoded or rounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO

from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.protocol import ProtocolHandler, ResultMessage, _ProtocolHandler, read_int, read_value

from recruit_assets.contract.types import CassandraTable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session

PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Digest:
    """Number of rows, and the sum of their hashes."""

    rows: int
    sum: int


def digest(settings: Settings, table: CassandraTable, columns: Sequence[str]) -> Digest:
    """The digest of all rows, with these columns."""
    rows = total = 0
    with open_session(settings) as session:
        session.driver.client_protocol_handler = _RawCells
        session.driver.cluster.profile_manager.profiles[EXEC_PROFILE_DEFAULT].row_factory = lambda _, rows: rows
        session.driver.default_fetch_size = PAGE_ROWS
        for row in session.driver.execute(f"SELECT {', '.join(columns)} FROM {session.table(table)}"):
            rows += 1
            total += int.from_bytes(blake2b(row, digest_size=16).digest())
    return Digest(rows, total)


class _RawResult(ResultMessage):  # type: ignore[misc]  # the driver has no types
    """Rows as the bytes that the server sent, lengths included."""

    def recv_results_rows(self, f: BytesIO, protocol_version: int, user_type_map: object, *_: object) -> None:
        self.recv_results_metadata(f, user_type_map)
        self.parsed_rows = [self._row(f, len(self.column_metadata)) for _ in range(read_int(f))]

    @staticmethod
    def _row(f: BytesIO, cells: int) -> bytes:
        start = f.tell()
        for _ in range(cells):
            read_value(f)
        end = f.tell()
        f.seek(start)
        return f.read(end - start)


class _RawCells(_ProtocolHandler):  # type: ignore[misc]
    message_types_by_opcode = {**ProtocolHandler.message_types_by_opcode, ResultMessage.opcode: _RawResult}
