"""The platform's exceptions.

    RecruitError
    |-- UserError            a setting, argument or prerequisite is wrong: one line, no traceback, no retry
    |-- RejectedEvent        a record can't become an event: it becomes a dead letter with the typed reason
    |-- StoreUnavailable     Kafka, Cassandra, MySQL or Spark doesn't answer: retried with backoff, then fatal
    |-- RunsFailed           Dagster runs kept failing; their hours stay pending
    `-- Inconsistent         data or schema break a rule: never retried
        |-- SchemaMismatch   an existing table or topic differs from the contract
        `-- MissingCoverage  the input of an asset may be incomplete; the hour stays pending

A message says what was wanted, what was found, where, and what to do next.
"""

from recruit_assets.contract.dead_letters import DeadLetterReason


class RecruitError(Exception):
    """The base class; catch it only in a process's main function."""


class UserError(RecruitError):
    """Something that the user can fix; only the message is shown."""


class RejectedEvent(RecruitError):
    """The record can't become an event."""

    def __init__(self, reason: DeadLetterReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreUnavailable(RecruitError):
    """A store didn't answer, or couldn't do its work now. The data may be fine."""


class RunsFailed(RecruitError):
    """Runs failed for good; the message names the hours that are missing in the report."""


class Inconsistent(RecruitError):
    """Data or schema break a rule; a retry can't help."""


class SchemaMismatch(Inconsistent):
    """An existing table or topic differs from the contract; nothing was changed."""


class MissingCoverage(Inconsistent):
    """An input has no coverage of an hour, so its rows may be incomplete."""
