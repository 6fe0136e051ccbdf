"""The run queue, and how the current hour gets past it.

Dagster's daemon looks at its queue once a second and at its sensors every five, which together would be most of the
time from an event to its row in the report.
"""

import dagster as dg

from recruit_assets.stores.dagster.compat import (
    RunQueue,
    SubmitRunContext,
    may_start,
    shorten_sensor_rounds,
)

AT_ONCE_TAG = "recruit/current"
"""On runs of the current hour. They are launched as soon as they are requested, unless a limit of the queue holds them
back, and their Spark jobs have a pool of their own."""
SENSOR_ROUND_S = 1
"""How often the daemon looks which sensors are due."""


class PromptRunCoordinator(RunQueue):
    """Dagster's queue. A run with AT_ONCE_TAG enters it only if a limit holds it back."""

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        run = context.dagster_run
        if AT_ONCE_TAG in run.tags and may_start(self.instance, run):
            # unlike a queued run, this one can't be launched by the daemon's own look at the queue as well
            launched: dg.DagsterRun = self.instance.launch_run(run.run_id, context.workspace)
            return launched
        return super().submit_run(context)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Dagster calls this in each process that opens the instance; only the daemon has sensor rounds."""
        super().register_instance(instance)
        shorten_sensor_rounds(SENSOR_ROUND_S)
