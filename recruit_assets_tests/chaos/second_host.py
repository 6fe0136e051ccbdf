"""A second machine: a process with its own Dagster instance, sensor and runs, whose clock is wrong."""

import time

import dagster as dg
import pytest

from recruit_assets.definitions import build_defs
from recruit_assets.defs.jobs import hours_job
from recruit_assets.defs.sensors import cassandra_cdc_sensor
from recruit_assets.runtime.settings import Settings, export
from recruit_assets_tests.support.ingest_process import exit_code_of

TICKS = 2
STORES = {"cassandra", "mysql"}


def tick_and_run_elsewhere(settings: Settings, clock_off_s: float) -> int:
    """Evaluate the sensor in a child process and execute the runs it requests there; returns the exit code."""
    return exit_code_of(_tick_and_run, settings, clock_off_s, timeout_s=240)


def _tick_and_run(settings: Settings, clock_off_s: float) -> None:
    export(settings)
    clock = time.time
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setattr(time, "time", lambda: clock() + clock_off_s)
        definitions = build_defs(settings=settings)
        job = definitions.resolve_job_def(hours_job.name)
        for _ in range(TICKS):
            for tags in _requested(definitions, instance):
                # a run fails when the other machine has just cleared the coverage of its input
                job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def _requested(definitions: dg.Definitions, instance: dg.DagsterInstance) -> list[dict[str, str]]:
    """The tags of the runs that one tick requests."""
    stores = {name: resource for name, resource in (definitions.resources or {}).items() if name in STORES}
    with dg.build_sensor_context(instance=instance, resources=stores) as context:
        result = cassandra_cdc_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return [dict(request.tags) for request in result.run_requests or ()]
