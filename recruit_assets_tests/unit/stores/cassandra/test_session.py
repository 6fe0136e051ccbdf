"""How a session repeats requests, and how it puts small writes together."""

from types import SimpleNamespace
from typing import cast

import pytest
from cassandra import ConsistencyLevel
from cassandra.policies import RetryPolicy
from cassandra.query import BoundStatement

from recruit_assets.stores.cassandra.session import (
    BATCH_BYTES,
    BATCHES_IN_FLIGHT,
    PARTITIONS_PER_BATCH,
    RETRIES,
    RetryTimeouts,
    small_batches,
)


@pytest.mark.parametrize(("retry_num", "decision"), [(0, RetryPolicy.RETRY), (RETRIES, RetryPolicy.RETHROW)])
def test_a_read_without_a_quorum_of_answers_is_retried_for_a_while(retry_num: int, decision: int) -> None:
    answered = {"consistency": ConsistencyLevel.LOCAL_QUORUM, "required_responses": 2, "received_responses": 1}

    found = RetryTimeouts().on_read_timeout(None, **answered, data_retrieved=True, retry_num=retry_num)

    assert found == (decision, None)


@pytest.mark.parametrize(
    ("idempotent", "retry_num", "decision"),
    [
        (True, 0, RetryPolicy.RETRY),
        (True, RETRIES, RetryPolicy.RETHROW),
        (False, 0, RetryPolicy.RETHROW),
    ],
)
def test_a_write_that_no_replica_confirmed_is_repeated_if_that_changes_nothing(
    idempotent: bool, retry_num: int, decision: int
) -> None:
    query = SimpleNamespace(is_idempotent=idempotent)

    found = RetryTimeouts().on_write_timeout(query, ConsistencyLevel.LOCAL_QUORUM, "BATCH", 1, 0, retry_num=retry_num)

    assert found == (decision, None)


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        ([], []),
        ([8] * BATCHES_IN_FLIGHT, [1] * BATCHES_IN_FLIGHT),
        ([8] * (BATCHES_IN_FLIGHT + 1), [2] * (BATCHES_IN_FLIGHT // 2) + [1]),
        ([0] * (2 * BATCHES_IN_FLIGHT), [2] * BATCHES_IN_FLIGHT),
        ([8] * (20 * BATCHES_IN_FLIGHT + 5), [PARTITIONS_PER_BATCH] * (2 * BATCHES_IN_FLIGHT) + [5]),
        ([BATCH_BYTES // 2] * (3 * BATCHES_IN_FLIGHT), [2] * (3 * BATCHES_IN_FLIGHT // 2)),
        ([2 * BATCH_BYTES, *[8] * BATCHES_IN_FLIGHT], [1, *[2] * (BATCHES_IN_FLIGHT // 2)]),
    ],
)
def test_many_small_writes_share_batches_up_to_a_number_and_a_size(sizes: list[int], batches: list[int]) -> None:
    writes = [cast("BoundStatement", Write(size)) for size in sizes]

    assert [len(batch) for batch in small_batches(writes)] == batches


class Write(BoundStatement):  # type: ignore[misc]  # the driver is untyped
    """A statement whose values have this size."""

    routing_key = None

    def __init__(self, size: int) -> None:
        self.prepared_statement = SimpleNamespace(query_id=b"", query_string="", is_idempotent=True)
        self.values = [bytes(size), None]
        self.keyspace = self.custom_payload = None
