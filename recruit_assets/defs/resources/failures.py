"""Turns the platform's errors into Dagster's Failure, with the error's message as its first line."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from recruit_assets.runtime.errors import RecruitError, StoreUnavailable


@contextmanager
def as_failures() -> Iterator[None]:
    """Raise the platform's errors as Failures; Dagster retries the step only after an outage."""
    try:
        yield
    except RecruitError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, StoreUnavailable)) from error
