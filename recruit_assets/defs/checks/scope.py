"""What an evaluation compares: the hours of its run, and what its checks found wrong in earlier runs.

A run of checks alone, which a person starts in the UI, has no hours and compares everything.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol
from zlib import crc32

import dagster as dg

from recruit_assets.defs.checks.verdict import Finding, Verdict, results_of
from recruit_assets.defs.runs import hours_of_tags
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession

COMPARED_AGAIN = 48
"""Parts of other runs that a run compares, so that a report full of wrong hours doesn't slow down every run. Each run
begins with another of them; the rest stay wrong without a look."""


class WrongParts(Protocol):
    """What the checks of an asset have found wrong and not good again; `stores.mysql.wrong_hours` keeps it."""

    def read(self, check: str) -> frozenset[Part]:
        """The check's wrong parts."""

    def update(self, check: str, *, wrong: Collection[Part], good: Collection[Part], run_id: str) -> frozenset[Part]:
        """Add and remove these; returns all that are wrong then."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The hours of the run, None for checks alone, and what the selected checks knew to be wrong, by name."""

    context: dg.AssetCheckExecutionContext
    store: WrongParts
    run_hours: frozenset[datetime] | None
    wrong: Mapping[str, frozenset[Part]]

    @classmethod
    def of(cls, context: dg.AssetCheckExecutionContext, store: WrongParts) -> "Scope":
        hours = hours_of_tags(context.run.tags)
        return cls(
            context,
            store,
            None if hours is None else frozenset(hours.hours()),
            {key.name: store.read(key.name) for key in context.selected_asset_check_keys},
        )

    @property
    def seed(self) -> int:
        """A number that differs from run to run."""
        return crc32(self.context.run.run_id.encode())

    def hours(self, everything: Callable[[], Iterable[datetime]], *, at_most: int | None = None) -> Sequence[datetime]:
        """The run's hours, oldest first, or some of them; for checks alone, all that `everything` returns."""
        if self.run_hours is None:
            return sorted(everything())
        hours = sorted(self.run_hours)
        if at_most is not None and len(hours) > at_most:
            hours = sorted(Random(self.seed).sample(hours, at_most))  # noqa: S311  # no secret
        return hours

    @property
    def again(self) -> Sequence[Part]:
        """What was wrong before: all of it in the run's hours, and at most COMPARED_AGAIN others."""
        wrong = sorted(frozenset[Part]().union(*self.wrong.values()))
        if self.run_hours is None:
            return wrong
        own = [part for part in wrong if part.hour in self.run_hours]
        others = [part for part in wrong if part.hour not in self.run_hours]
        start = self.seed % len(others) if others else 0
        return own + [*others[start:], *others[:start]][:COMPARED_AGAIN]

    def hours_and_again(
        self, everything: Callable[[], Iterable[datetime]], *, at_most: int | None = None
    ) -> Sequence[datetime]:
        """Those hours, then the hours of `again`, each once."""
        return list(dict.fromkeys([*self.hours(everything, at_most=at_most), *(part.hour for part in self.again)]))

    def is_of_run(self, hour: datetime) -> bool:
        """Whether the run replaces the hour, or is one of checks alone."""
        return self.run_hours is None or hour in self.run_hours

    def has(self, spec: dg.AssetCheckSpec) -> bool:
        """Whether the run was asked for this check."""
        return spec.name in self.wrong

    def results(
        self,
        spec: dg.AssetCheckSpec,
        findings: Iterable[Finding],
        *,
        first_hour: datetime | None = None,
        warn_only: bool = False,
    ) -> Iterator[dg.AssetCheckResult]:
        """The check's result; none if it wasn't selected or nothing could be compared.

        What was wrong before `first_hour` is forgotten.
        """
        if not self.has(spec):
            return
        forgotten = frozenset(one for one in self.wrong[spec.name] if first_hour and one.hour < first_hour)
        verdict = Verdict(list(findings), self.wrong[spec.name] - forgotten)
        stored = self.store.update(
            spec.name, wrong=verdict.found_wrong, good=verdict.good_again | forgotten, run_id=self.context.run.run_id
        )
        # a run must not stop for hours that it doesn't replace
        may_block = any(self.is_of_run(one.part.hour) for one in verdict.differing if one.part)
        warn_only = warn_only or (spec.blocking and not may_block)
        yield from results_of(self.context, spec, replace(verdict, stored=stored), warn_only=warn_only)


def first_comparable_hour(scope: Scope, session: CassandraSession) -> datetime | None:
    """The first hour whose events are kept; None if all are, or if it doesn't matter because nothing is wrong.

    Earlier hours can't be compared with events or replaced any more, so what is wrong in them would stay for ever.
    """
    return read_retention(session).frozen_before(datetime.now(UTC)) if any(scope.wrong.values()) else None
