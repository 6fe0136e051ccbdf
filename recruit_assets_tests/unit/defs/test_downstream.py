"""Which assets, jobs and sensors exist with the settings of a process, and which ranges of hours are due."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from recruit_assets.contract.tables import FUNNEL_ACTIONS
from recruit_assets.defs import downstream
from recruit_assets.defs.downstream import EVENTS_PER_REST, MOST_RESTS, due_ranges
from recruit_assets.hours.downstream import Downstream
from recruit_assets.hours.planning import HourRange
from recruit_assets.stores.mysql.downstream import StaleHour

LIST = """
import json
from recruit_assets.definitions import defs
repository = defs.get_repository_def()
print(json.dumps({
    "assets": sorted(key.to_user_string() for key in repository.assets_defs_by_key),
    "jobs": sorted(job.name for job in repository.get_all_jobs()),
    "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    "hours": sorted(key.to_user_string() for key in repository.get_job("hours_job").asset_layer.executable_asset_keys),
}))
"""


def listed(**environment: str) -> dict[str, list[str]]:
    """What a code location with these variables has: a process reads its settings once."""
    done = subprocess.run(
        [sys.executable, "-c", LIST], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("variable", "value", "asset"),
    [("RECRUIT_FUNNEL_ACTIONS", "hired", "funnel_actions"), ("RECRUIT_CLICK_QUALITY", "on", "click_quality")],
)
def test_a_downstream_asset_exists_only_if_it_is_switched_on(variable: str, value: str, asset: str) -> None:
    off, on = listed(), listed(**{variable: value})

    assert set(on["assets"]) - set(off["assets"]) == {asset}
    assert set(on["jobs"]) - set(off["jobs"]) == {"downstream_job"}
    assert set(on["sensors"]) - set(off["sensors"]) == {"downstream_sensor"}
    assert on["hours"] == off["hours"]


@pytest.mark.parametrize(
    ("event_count", "minutes", "is_due"),
    [
        pytest.param(1, 4, False, id="made a moment ago"),
        pytest.param(1, 6, True, id="after a rest"),
        pytest.param(2 * EVENTS_PER_REST, 9, False, id="busy, after a rest"),
        pytest.param(2 * EVENTS_PER_REST, 11, True, id="busy, after two"),
        pytest.param(100 * EVENTS_PER_REST, 5 * MOST_RESTS + 1, True, id="very busy, after the most rests"),
    ],
)
def test_an_hour_rests_longer_the_more_events_it_has(
    event_count: int, minutes: int, is_due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, now = datetime(2026, 1, 5, 6, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
    stale = StaleHour(hour, now - timedelta(minutes=minutes), event_count, since=now)
    monkeypatch.setattr(downstream, "stale_hours", lambda *_: [stale])

    due = due_ranges(
        SimpleNamespace(),  # type: ignore[arg-type]  # its only query is replaced
        [Downstream(FUNNEL_ACTIONS, "")],
        now=now,
        first_hour=hour,
        rest=timedelta(minutes=5),
    )

    assert [one.hours for one in due] == ([HourRange(hour, hour)] if is_due else [])
