"""How the platform's errors end a step of a run: as Dagster's Failure, whose first line is the error's one message.

Not here: the errors (`errors`), how often a run is repeated (dagster.yaml, and `cassandra_cdc_sensor` for its own).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from recruit_assets.runtime.errors import RecruitError, StoreUnavailable


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn the platform's errors into Failures; only an outage is worth a retry of the step."""
    try:
        yield
    except RecruitError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, StoreUnavailable)) from error
