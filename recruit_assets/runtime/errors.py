"""Every exception that the platform raises on purpose.

    RecruitError
    |-- UserError            a setting, argument or prerequisite is wrong: one line, no traceback, no retry
    |-- RejectedEvent        one record can't become an event: it is made a dead letter with the typed reason
    |-- StoreUnavailable     Kafka, Cassandra, MySQL or Spark doesn't answer: retried with backoff, then fatal
    |-- RunsFailed           Dagster runs failed again and again; their hours stay pending
    `-- Inconsistent         what was found contradicts what must hold: never retried
        |-- SchemaMismatch   a table or topic exists and differs from the contract
        `-- MissingCoverage  a stage's input isn't known to be complete; the hour stays pending

A message says what was wanted, what was found, where, and the next step. Not here: Dagster's Failure (`resources`).
"""

from recruit_assets.contract.dead_letters import DeadLetterReason


class RecruitError(Exception):
    """Root of the tree; catch it only where a process ends."""


class UserError(RecruitError):
    """Something that the user can mend; the message is all that is shown."""


class RejectedEvent(RecruitError):
    """The record can't become an event; `reason` is one of the contract's."""

    def __init__(self, reason: DeadLetterReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreUnavailable(RecruitError):
    """A store didn't answer, or answered that it can't now; nothing is known to be wrong with the data."""


class RunsFailed(RecruitError):
    """Runs failed for good; what is missing in the report is named, and stays pending."""


class Inconsistent(RecruitError):
    """Data or schema contradict a rule that must hold; a retry can't help."""


class SchemaMismatch(Inconsistent):
    """An existing table or topic differs from the contract; nothing was changed."""


class MissingCoverage(Inconsistent):
    """A stage's input has no coverage mark for an hour, so its rows may be incomplete."""
