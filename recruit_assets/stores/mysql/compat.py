"""Everything we need of PyMySQL that its public API doesn't offer.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/mysql/test_compat.py` shows what has changed.
"""

import pymysql
from pymysql.cursors import Cursor

CHECKED_WITH = {"pymysql": "1.2.4"}


def drop_connection(connection: "pymysql.Connection[Cursor]") -> None:
    """Close the socket at once. `close()` sends COM_QUIT first, which can block until the write timeout (120 s)."""
    connection._force_close()  # type: ignore[attr-defined]  # PyMySQL's stubs leave it out
