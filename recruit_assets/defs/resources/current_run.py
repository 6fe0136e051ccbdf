"""The run that this process executes, as Dagster's storage knows it."""

from dataclasses import dataclass

import dagster as dg

from recruit_assets.runtime.errors import UserError

RETRY_TAG = "dagster/retry_on_asset_or_op_failure"
"""Whether Dagster's run retries start a run again that has a failed step. They don't look at `allow_retries`."""


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """The run, by its id, and the Dagster instance that stores it."""

    instance: dg.DagsterInstance
    run_id: str

    def require_unfinished(self) -> None:
        """UserError if the run was deleted or marked as ended: Dagster doesn't tell the process that executes it."""
        run = self.instance.get_run_by_id(self.run_id)
        if run is None:
            raise UserError(f"run {self.run_id} was deleted while it ran: it ends here. Its hours stay pending")
        if run.is_finished:
            status = run.status.value.lower()
            raise UserError(f"run {self.run_id} was marked as {status} while it ran: it ends here")

    def allow_retries(self, allowed: bool) -> None:
        """Tell run retries what the Failure tells step retries."""
        if self.instance.has_run(self.run_id):  # tagging a deleted one is an error
            self.instance.add_run_tags(self.run_id, {RETRY_TAG: str(allowed).lower()})
