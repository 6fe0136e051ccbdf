"""Reads after the loss of a replica that the other nodes haven't noticed yet."""

import pytest
from cassandra import ConsistencyLevel
from cassandra.policies import RetryPolicy

from recruit_assets.stores.cassandra.session import RETRIES, RetryTimeouts


@pytest.mark.parametrize(("retry_num", "decision"), [(0, RetryPolicy.RETRY), (RETRIES, RetryPolicy.RETHROW)])
def test_a_read_without_a_quorum_of_answers_is_retried_for_a_while(retry_num: int, decision: int) -> None:
    answered = {"consistency": ConsistencyLevel.LOCAL_QUORUM, "required_responses": 2, "received_responses": 1}

    found = RetryTimeouts().on_read_timeout(None, **answered, data_retrieved=True, retry_num=retry_num)

    assert found == (decision, None)
