"""Runs that wait, run or end, without a job: only their status and tags count."""

from collections.abc import Mapping
from uuid import uuid4

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

JOB = "hours_job"


def an_unfinished_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    tags: Mapping[str, str],
    *,
    job: str = JOB,
    asset: str | None = None,
) -> dg.DagsterRun:
    """Add a run of the job, or of one asset that a person picked."""
    # Dagster wants an origin of queued runs
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("somewhere"), "repository"), job)
    picked = frozenset({dg.AssetKey(asset)}) if asset else None
    run = dg.DagsterRun(job, str(uuid4()), status=status, tags=tags, remote_job_origin=origin, asset_selection=picked)
    return instance.add_run(run)
