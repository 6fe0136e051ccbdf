"""What Dagster recorded last: of each job its last finished run, of each asset check its last verdict.

Belongs here: queries of the run and event storage, bounded by the number of jobs and checks. Not here: what living runs
mean for pending hours (`runs`), alerts (`sensors.alerts`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES, NOT_FINISHED_STATUSES  # no public set of these
from sqlalchemy.exc import SQLAlchemyError

from recruit_assets.runtime.errors import StoreUnavailable

JUDGED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run of a job that ended last."""

    job: str
    succeeded: bool
    ended_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last verdict of an asset check; a run of it that hasn't ended is none."""

    asset: str
    check: str
    passed: bool
    judged_at: datetime


def last_runs(instance: dg.DagsterInstance, jobs: Iterable[str]) -> Sequence[LastRun]:
    """Of those of the jobs that ever ended; StoreUnavailable when Dagster's storage doesn't answer."""
    found = []
    with _translated_errors():
        for job in jobs:
            finished = dg.RunsFilter(job_name=job, statuses=FINISHED_STATUSES)
            found += [_last_run(job, record) for record in instance.get_run_records(finished, limit=1)]
    return found


def unfinished_run_counts(instance: dg.DagsterInstance) -> Mapping[str, int]:
    """How many runs there are by each status that isn't an end, in lower case."""
    with _translated_errors():
        return {
            status.value.lower(): instance.get_runs_count(dg.RunsFilter(statuses=[status]))
            for status in NOT_FINISHED_STATUSES
        }


def last_checks(instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]) -> Sequence[LastCheck]:
    """Of those of the checks that ever ended."""
    found = []
    with _translated_errors():
        for key in keys:
            history = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=JUDGED)
            found += [
                LastCheck(
                    asset=key.asset_key.to_user_string(),
                    check=key.name,
                    passed=record.status is AssetCheckExecutionRecordStatus.SUCCEEDED,
                    judged_at=datetime.fromtimestamp(record.create_timestamp, UTC),
                )
                for record in history
            ]
    return found


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
        raise StoreUnavailable(f"Dagster's storage doesn't answer as it should: {error}") from error
