"""The tables budget and budget_alerts, and the view budget_pacing.

An alert is sent once since two transactions can't insert the same row of budget_alerts: the second waits until the
first has sent its message and is committed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import date

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import BUDGET_PACING, CAMPAIGN, UNKNOWN
from recruit_assets.contract.budgets import Budget, Crossing, Pacing, reached
from recruit_assets.contract.tables import BUDGET, BUDGET_ALERTS, JOB, REPORT_HOURS
from recruit_assets.runtime.errors import UserError
from recruit_assets.stores.mysql.analyst_views import pacing_select
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders

WAITING_CHARACTERS = 255
_KEY = BUDGET_ALERTS.primary_key
_KEY_IS = " AND ".join(f"{column} = %s" for column in _KEY)

Send = Callable[[Sequence[Crossing], Sequence[str]], Mapping[str, str]]
"""Tells each of the channels of those crossings that wait for it; returns the reason for each that didn't take them."""


def load_budgets(database: ReportDatabase, budgets: Iterable[Budget]) -> None:
    """Insert these budgets or update their amounts, in one transaction; others stay as they are."""
    rows = [astuple(one) for one in budgets]
    replace = f"REPLACE INTO {BUDGET.name} ({', '.join(BUDGET.column_names)}) VALUES ({placeholders(BUDGET.columns)})"

    def write(cursor: Cursor) -> None:
        cursor.executemany(replace, rows)

    database.run_transaction(write)


def read_pacing(database: ReportDatabase, months: Collection[date]) -> list[Pacing]:
    """The budgets of these months as the view has them; reads only the rows of these months."""
    if not months:
        return []
    listed = ", ".join(f"'{month:%Y-%m-%d}'" for month in sorted(months))
    columns = ", ".join(BUDGET_PACING.column_names)
    rows = database.query(
        f"SELECT {columns} FROM ({pacing_select(f'b.month IN ({listed})')}) pacing ORDER BY month, scope, id"
    )
    return [
        Pacing(Budget(scope, id, month, amount), "" if name == UNKNOWN else name, *numbers)
        for scope, id, month, name, amount, *numbers in rows
    ]


def month_versions(database: ReportDatabase) -> Mapping[date, str]:
    """For each month with a budget, a text that differs after an hour of it was replaced or a budget of it changed.

    Reads report_hours from the first of these months on; nothing if there is no budget.
    """
    budgets = (
        f"SELECT month, SUM(CRC32(CONCAT_WS(' ', scope, id, amount))) AS version FROM {BUDGET.name} GROUP BY month"
    )
    hours = (
        "SELECT EXTRACT(YEAR_MONTH FROM event_hour) AS month, "
        f"SUM(CRC32(CONCAT_WS(' ', event_hour, covered_through, t))) AS version FROM {REPORT_HOURS.name} "
        f"WHERE event_hour >= (SELECT MIN(month) FROM {BUDGET.name}) GROUP BY EXTRACT(YEAR_MONTH FROM event_hour)"
    )
    rows = database.query(
        f"SELECT b.month, b.version, h.version FROM ({budgets}) b "
        f"LEFT JOIN ({hours}) h ON h.month = EXTRACT(YEAR_MONTH FROM b.month)"
    )
    return {month: f"{of_budgets} {of_hours or 0}" for month, of_budgets, of_hours in rows}


def tell_crossings(
    database: ReportDatabase, found: Sequence[Pacing], channels: Sequence[str], send: Send
) -> Mapping[str, str]:
    """Record the thresholds that these budgets have reached, and have them sent to the channels that weren't told.

    Returns, for each channel that didn't take its message, why; it gets the message at the next call. The transaction
    is committed after the messages were sent: if the process dies before, they are sent once more. Without any channel
    the thresholds are only recorded, and nobody is told later.
    """
    with database.transaction() as cursor:
        _claim(cursor, found, channels)
        crossings = _waiting(cursor)
        failed = send(crossings, channels) if crossings else {}
        cursor.executemany(
            f"UPDATE {BUDGET_ALERTS.name} SET waiting = %s WHERE {_KEY_IS}",
            [(_listed(one.waiting & failed.keys()), *astuple(one.budget), one.threshold) for one in crossings],
        )
    return failed


def _claim(cursor: Cursor, found: Sequence[Pacing], channels: Sequence[str]) -> None:
    rows = {(*astuple(one.budget), threshold): one.spent for one in found for threshold in reached(one)}
    for key in sorted(rows.keys() - _recorded(cursor, {one.budget.month for one in found})):
        # waits if another transaction has just inserted the row: then its message has been sent, and nothing changes
        cursor.execute(
            f"INSERT INTO {BUDGET_ALERTS.name} ({', '.join(_KEY)}, spent, waiting, noticed_at) "
            f"VALUES ({placeholders(_KEY)}, %s, %s, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE threshold = threshold",
            (*key, rows[key], _listed(channels)),
        )


def _recorded(cursor: Cursor, months: Collection[date]) -> set[tuple[object, ...]]:
    if not months:
        return set()
    cursor.execute(
        f"SELECT {', '.join(_KEY)} FROM {BUDGET_ALERTS.name} WHERE month IN ({placeholders(months)})", list(months)
    )
    return set(cursor.fetchall())


def _waiting(cursor: Cursor) -> list[Crossing]:
    """What somebody is to be told of; no other transaction has it before this one ends."""
    cursor.execute(
        f"SELECT {', '.join(_KEY)}, spent, waiting FROM {BUDGET_ALERTS.name} WHERE waiting > '' "
        f"ORDER BY {', '.join(_KEY)} FOR UPDATE"
    )
    rows = cursor.fetchall()
    if not rows:
        return []
    # a statement of its own, since the names needn't be locked
    cursor.execute(
        f"SELECT a.scope, a.id, CASE a.scope WHEN 'campaign' THEN n.name ELSE j.title END FROM {BUDGET_ALERTS.name} a "
        f"LEFT JOIN {CAMPAIGN.name} n ON n.id = a.id LEFT JOIN {JOB.name} j ON j.id = a.id WHERE a.waiting > ''"
    )
    names = {(scope, id): name for scope, id, name in cursor.fetchall()}
    return [
        Crossing(Budget(scope, id, month, amount), threshold, spent, names.get((scope, id)) or "", _parsed(channels))
        for scope, id, month, amount, threshold, spent, channels in rows
    ]


def _listed(channels: Collection[str]) -> str:
    """UserError for more channels than the column holds: those that it lacks would never be told."""
    listed = ",".join(sorted(channels))
    if len(listed) > WAITING_CHARACTERS:
        raise UserError(
            f"RECRUIT_ALERT_URLS has {len(channels)} channels, too many for alerts of budgets: their names have "
            f"{len(listed)} characters together, at most {WAITING_CHARACTERS} can be stored"
        )
    return listed


def _parsed(channels: str) -> frozenset[str]:
    return frozenset(channels.split(","))
