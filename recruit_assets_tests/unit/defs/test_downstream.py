"""Which assets, jobs and sensors exist with the settings of a process, and which ranges of hours are due."""

import json
import os
import subprocess
import sys

import pytest

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
