"""Runs that wait, run or end, without a job: only their status and tags count."""

from collections.abc import Mapping
from uuid import uuid4

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

JOB = "hours_job"
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("somewhere"), "repository"), JOB)
"""Dagster wants it of queued runs."""


def an_unfinished_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: Mapping[str, str]
) -> dg.DagsterRun:
    run = dg.DagsterRun(JOB, str(uuid4()), status=status, tags=tags, remote_job_origin=ORIGIN)
    return instance.add_run(run)
