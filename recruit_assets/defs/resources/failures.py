"""Turns the platform's errors into Dagster's Failure, with the error's message as its first line."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from recruit_assets.defs.resources.current_run import CurrentRun
from recruit_assets.runtime.errors import RecruitError, StoreUnavailable


@contextmanager
def as_failures(run: CurrentRun | None) -> Iterator[None]:
    """Raise the platform's errors as Failures; Dagster retries the step, or the run, only after an outage."""
    try:
        yield
    except RecruitError as error:
        is_outage = isinstance(error, StoreUnavailable)
        if run is not None:
            run.allow_retries(is_outage)
        raise dg.Failure(str(error), allow_retries=is_outage) from error
