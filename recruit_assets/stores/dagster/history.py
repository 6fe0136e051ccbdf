"""The newest results in Dagster's storage: each job's last finished run, each check's last evaluation.

A query's cost depends on the number of jobs and checks, not on the length of the history.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.dagster.compat import check_evaluations

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.SUSPENDED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run of a job that ended last."""

    job: str
    succeeded: bool
    ended_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The state of an asset check after its last finished evaluation."""

    asset: str
    check: str
    passed: bool
    """False also while an hour is wrong that an earlier evaluation found so."""
    evaluated_at: datetime


def last_runs(instance: dg.DagsterInstance, jobs: Iterable[str]) -> Sequence[LastRun]:
    """One for each of the jobs that has a finished run; StoreUnavailable if Dagster's storage fails."""
    found = []
    with _translated_errors():
        for job in jobs:
            finished = dg.RunsFilter(job_name=job, statuses=FINISHED)
            found += [_last_run(job, record) for record in instance.get_run_records(finished, limit=1)]
    return found


def unfinished_run_counts(instance: dg.DagsterInstance) -> Mapping[str, int]:
    """The number of runs in each unfinished status; the status is in lower case."""
    with _translated_errors():
        return {
            status.value.lower(): instance.get_runs_count(dg.RunsFilter(statuses=[status])) for status in UNFINISHED
        }


def last_checks(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey], *, wrong: Collection[tuple[str, str]]
) -> Sequence[LastCheck]:
    """One for each of the checks that has a finished evaluation; `wrong` has those that know of wrong hours."""
    with _translated_errors():
        return [
            LastCheck(
                asset=key.asset_key.to_user_string(),
                check=key.name,
                passed=evaluation.passed and (key.asset_key.to_user_string(), key.name) not in wrong,
                evaluated_at=evaluation.evaluated_at,
            )
            for key in keys
            for evaluation in check_evaluations(instance, key, limit=1)
        ]


def _last_run(job: str, record: dg.RunRecord) -> LastRun:
    ended_at = record.update_timestamp.timestamp() if record.end_time is None else record.end_time
    return LastRun(
        job=job,
        succeeded=record.dagster_run.status is dg.DagsterRunStatus.SUCCESS,
        ended_at=datetime.fromtimestamp(ended_at, UTC),
        seconds=ended_at - (record.start_time or ended_at),
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"Dagster's storage failed: {error}") from error
