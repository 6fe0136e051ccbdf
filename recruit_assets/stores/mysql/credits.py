"""Applications by publisher, as the report counts them and by the click that led to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import PUBLISHER
from recruit_assets.contract.measures import APPLICATIONS
from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, MYSQL_REPORT
from recruit_assets.runtime.times import naive

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Credit:
    """The applications of a publisher."""

    id: int
    name: str | None
    reported: int
    """Those whose own event names the publisher."""
    credited: int
    """Those for which it gets the credit."""


def read_credits(cursor: Cursor, since: datetime) -> Sequence[Credit]:
    """The publishers with the most credits from this day on; none if attributed_conversions has no rows."""
    cursor.execute(
        "SELECT c.publisher_id, n.name, CAST(SUM(c.reported) AS SIGNED), CAST(SUM(c.credited) AS SIGNED) FROM "
        f"(SELECT publisher_id, SUM({APPLICATIONS.report_column}) AS reported, 0 AS credited "
        f"FROM {MYSQL_REPORT.name} WHERE dates >= %s GROUP BY publisher_id "
        f"UNION ALL SELECT publisher_id, 0, SUM({APPLICATIONS.name}) FROM {ATTRIBUTED_CONVERSIONS.name} "
        "WHERE event_hour >= %s GROUP BY publisher_id) c "
        f"LEFT JOIN {PUBLISHER.name} n ON n.id = c.publisher_id GROUP BY c.publisher_id, n.name "
        f"ORDER BY 4 DESC, 1 LIMIT {SHOWN}",
        (naive(since), naive(since)),
    )
    credits = [Credit(*row) for row in cursor.fetchall()]
    return credits if any(one.credited for one in credits) else ()
