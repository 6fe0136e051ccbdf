"""How one of our errors ends a step: what the UI shows, and whether the step is retried."""

from collections.abc import Sequence

import dagster as dg
import pytest

from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.runtime.errors import MissingCoverage, RecruitError, StoreUnavailable, UserError

MESSAGE = "MySQL at 127.0.0.1:3306/recruit refuses the login"


class Broken(dg.IOManager):
    """Its store fails as ours do, with the driver's error as the cause."""

    @as_failures()
    def handle_output(self, context: dg.OutputContext, obj: int) -> None:
        raise UserError(MESSAGE) from ConnectionError("(1045, 'Access denied')")

    def load_input(self, context: dg.InputContext) -> int:
        return 0


def failures(result: dg.ExecuteInProcessResult) -> Sequence[dg.DagsterEvent]:
    return [event for event in result.all_events if event.is_step_failure]


@pytest.mark.parametrize(("error", "retried"), [(StoreUnavailable, True), (UserError, False), (MissingCoverage, False)])
def test_only_an_outage_is_retried(error: type[RecruitError], retried: bool) -> None:
    with pytest.raises(dg.Failure, match=r"^what was found$") as raised, as_failures():
        raise error("what was found")

    assert (raised.value.description, raised.value.allow_retries) == ("what was found", retried)


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), as_failures():
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
