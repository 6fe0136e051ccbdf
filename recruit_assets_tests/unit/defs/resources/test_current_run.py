"""A run whose record was deleted or ended in the UI, while its process goes on."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.defs.resources import CassandraResource, SparkResource


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def deleted(context: dg.AssetExecutionContext) -> None:
    context.instance.delete_run(context.run.run_id)


def canceled(context: dg.AssetExecutionContext) -> None:
    context.instance.report_run_canceled(context.run)


@pytest.mark.parametrize(
    ("happens", "found"),
    [(deleted, "was deleted while it ran"), (canceled, "was marked as canceled while it ran")],
)
def test_nothing_is_stored_for_a_run_that_was_deleted_or_ended(
    instance: dg.DagsterInstance, happens: Callable[[dg.AssetExecutionContext], None], found: str
) -> None:
    """Without any engine: it ends before it connects to one."""

    @dg.asset(io_manager_key="io")
    def filtered_events(context: dg.AssetExecutionContext) -> int:
        happens(context)
        return 1

    io = CassandraIOManager(cassandra=CassandraResource(), spark=SparkResource())
    result = dg.materialize([filtered_events], instance=instance, resources={"io": io}, raise_on_error=False)

    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_failure_data.user_failure_data is not None
    assert found in str(failure.step_failure_data.user_failure_data.description)
