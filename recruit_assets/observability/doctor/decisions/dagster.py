"""Rules of Dagster: its daemon, the last runs and checks."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.doctor.verdict import Verdict, counted, fail, ok, shown, skipped, warn
from recruit_assets.stores.dagster.heartbeats import silence, silent_parts
from recruit_assets.stores.dagster.history import LastCheck, LastRun


def daemon(heartbeats: Mapping[str, datetime | None], *, now: datetime) -> Verdict:
    """The last heartbeat of each part; without any, nobody runs a daemon here on purpose."""
    if not any(heartbeats.values()):
        return skipped("no daemon has run with this Dagster home; `recruit-assets up` starts one")
    silent = silent_parts(heartbeats, now=now)
    if silent:
        return fail(silence(silent), "start it again (`recruit-assets up`, or dagster-daemon), and look at its log")
    return ok("each of its parts has sent a heartbeat lately")


def last_runs(runs: Sequence[LastRun]) -> Verdict:
    """The last finished run of each job that isn't tried again by itself."""
    failed = [f"{run.job} ({run.ended_at:%Y-%m-%d %H:%M} UTC)" for run in runs if not run.succeeded]
    if failed:
        return fail(f"the last run failed of {shown(failed)}", "look at the run in Dagster's UI, and launch it again")
    return ok(f"{shown(run.job for run in runs)} succeeded" if runs else "no such run has finished yet")


def last_checks(checks: Sequence[LastCheck]) -> Verdict:
    failed = [f"{one.check} of {one.asset}" for one in checks if not one.passed]
    if failed:
        return fail(f"failed: {shown(failed)}", "materialize the hours that the check names, in Dagster's UI")
    return ok(f"{counted(len(checks), 'check')} passed" if checks else "no check has run yet")


def last_audit(found: LastAudit | None) -> Verdict:
    if found is None:
        return skipped("no audit has run in this state directory; `recruit-assets audit` is one")
    when = f"{found.ended_at:%Y-%m-%d %H:%M} UTC"
    if not found.exact:
        return warn(f"the audit of {when} wasn't exact: {shown(found.broken)}", "run `recruit-assets audit` again")
    return ok(f"the audit of {when} was exact")
