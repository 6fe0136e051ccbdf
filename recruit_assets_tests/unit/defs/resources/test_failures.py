"""How one of our errors ends a step: what the UI shows, and whether the step or the run is retried."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pytest

from recruit_assets.defs.resources.current_run import CurrentRun
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.runtime.errors import MissingCoverage, RecruitError, StoreUnavailable, UserError

MESSAGE = "MySQL at 127.0.0.1:3306/recruit refuses the login"


class Broken(dg.IOManager):
    """Its store fails as ours do, with the driver's error as the cause."""

    @as_failures(None)
    def handle_output(self, context: dg.OutputContext, obj: int) -> None:
        raise UserError(MESSAGE) from ConnectionError("(1045, 'Access denied')")

    def load_input(self, context: dg.InputContext) -> int:
        return 0


def failures(result: dg.ExecuteInProcessResult) -> Sequence[dg.DagsterEvent]:
    return [event for event in result.all_events if event.is_step_failure]


@pytest.mark.parametrize(("error", "retried"), [(StoreUnavailable, True), (UserError, False), (MissingCoverage, False)])
def test_only_an_outage_is_retried(error: type[RecruitError], retried: bool) -> None:
    with pytest.raises(dg.Failure, match=r"^what was found$") as raised, as_failures(None):
        raise error("what was found")

    assert (raised.value.description, raised.value.allow_retries) == ("what was found", retried)


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), as_failures(None):
        _ = 1 / 0


def test_the_run_shows_our_message_first() -> None:
    @dg.asset(io_manager_key="broken")
    def report() -> int:
        return 1

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([report], resources={"broken": Broken()}, instance=instance, raise_on_error=False)

    (failure,) = failures(result)
    assert failure.step_failure_data.user_failure_data is not None
    assert failure.step_failure_data.user_failure_data.description == MESSAGE


WILL_RETRY = "dagster/will_retry"
"""Dagster decides it when a run fails, and starts the run again if it is true."""


@pytest.fixture
def retrying() -> Iterator[dg.DagsterInstance]:
    """An instance that retries failed runs, as ours does."""
    with dg.instance_for_test(overrides={"run_retries": {"enabled": True, "max_retries": 2}}) as instance:
        yield instance


def a_failed_run(instance: dg.DagsterInstance, error: Exception, tags: dict[str, str] | None = None) -> dg.DagsterRun:
    @dg.asset
    def report(context: dg.AssetExecutionContext) -> None:
        with as_failures(CurrentRun(context.instance, context.run.run_id)):
            raise error

    result = dg.materialize([report], instance=instance, raise_on_error=False, tags=tags)
    return found(instance, result.run_id)


def found(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (StoreUnavailable("MySQL is away"), "true"),
        (UserError(MESSAGE), "false"),
        (MissingCoverage("no coverage"), "false"),
        (ValueError("of a library"), "true"),
    ],
)
def test_dagster_starts_a_run_again_unless_a_retry_cannot_help(
    retrying: dg.DagsterInstance, error: Exception, retried: str
) -> None:
    assert a_failed_run(retrying, error).tags[WILL_RETRY] == retried


def test_an_outage_in_a_retry_of_a_run_that_a_person_has_mended_is_retried(retrying: dg.DagsterInstance) -> None:
    """A run that is executed again has the tags of the run before."""
    tags = a_failed_run(retrying, UserError(MESSAGE)).tags

    again = a_failed_run(retrying, StoreUnavailable("MySQL is away"), {**tags})

    assert again.tags[WILL_RETRY] == "true"


def test_a_run_whose_process_died_is_retried_whatever_failed_before(retrying: dg.DagsterInstance) -> None:
    run = dg.DagsterRun(job_name="job", run_id="a-run", status=dg.DagsterRunStatus.STARTED)
    retrying.add_run(run)
    CurrentRun(retrying, run.run_id).allow_retries(False)

    retrying.report_run_failed(run, "its process is gone")

    assert found(retrying, run.run_id).tags[WILL_RETRY] == "true"
