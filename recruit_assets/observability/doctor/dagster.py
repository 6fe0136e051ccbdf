"""Dagster: its home, its daemon, and what the last runs and checks found."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.observability.doctor.decisions import dagster as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, ok, skipped
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.heartbeats import heartbeats
from recruit_assets.stores.dagster.history import last_checks, last_runs
from recruit_assets.stores.dagster.instance import dagster_home, open_existing_instance

NOTHING_THERE = "no command has run with this Dagster home yet"


@dataclass(frozen=True, slots=True)
class DagsterReadings:
    """The instance, None if there is none yet, and the names of our jobs and checks in it."""

    settings: Settings
    found: dg.DagsterInstance | None
    jobs: Sequence[str]
    checks: Sequence[dg.AssetCheckKey]

    @property
    def instance(self) -> dg.DagsterInstance:
        """The instance, for checks that the one of the home gates."""
        if self.found is None:
            raise UserError(NOTHING_THERE)
        return self.found


def dagster(settings: Settings, *, jobs: Sequence[str], checks: Sequence[dg.AssetCheckKey]) -> Subject[DagsterReadings]:
    """`jobs` are those that nothing tries again by itself."""

    @contextmanager
    def opened() -> Iterator[DagsterReadings]:
        with open_existing_instance(settings) as instance:
            yield DagsterReadings(settings, instance, jobs, checks)

    return Subject("Dagster", opened, CHECKS)


def _home(dagster: DagsterReadings) -> Verdict:
    return skipped(NOTHING_THERE) if dagster.found is None else ok(str(dagster_home(dagster.settings)))


def _daemon(dagster: DagsterReadings) -> Verdict:
    return decisions.daemon(heartbeats(dagster.instance), now=datetime.now(UTC))


def _last_checks(dagster: DagsterReadings) -> Verdict:
    # what they found wrong earlier is in the report database, which has a check of its own
    return decisions.last_checks(last_checks(dagster.instance, dagster.checks, wrong=()))


CHECKS: tuple[Check[DagsterReadings], ...] = (
    Check("home", _home),
    Check("daemon", _daemon),
    Check("last runs", lambda dagster: decisions.last_runs(last_runs(dagster.instance, dagster.jobs))),
    Check("asset checks", _last_checks),
)
