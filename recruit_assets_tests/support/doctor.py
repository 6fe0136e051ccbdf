"""Faults for `recruit-assets doctor`, and what it says of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat  # as a daemon writes them

from recruit_assets.observability.doctor import Finding, all_is_well, examine, subjects
from recruit_assets.observability.doctor.verdict import Verdict
from recruit_assets.runtime.settings import Settings, load_settings

CLOSED = 1
"""A port on which nothing listens."""


def _nothing(_: Settings) -> None: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """The check that must find it, with this state and a part of its text.

    `do` breaks what the test has made for itself; doctor then looks at it with the `change` of the settings.
    """

    check: str
    state: str
    found: str
    do: Callable[[Settings], object] = _nothing
    change: Mapping[str, object] = field(default_factory=dict)


def changed(settings: Settings, **values: object) -> Settings:
    return load_settings(**settings.model_dump() | values)


def look_at(settings: Settings, subject: str) -> list[Finding]:
    """What doctor finds in this subject."""
    everything = subjects(settings, jobs=("lineage_job",), checks=())
    return examine([one for one in everything if one.name == subject])


def verdict_of(findings: list[Finding], check: str) -> Verdict:
    (verdict,) = (one.verdict for one in findings if one.check == check)
    return verdict


def expect(fault: Fault, settings: Settings, subject: str) -> None:
    """Inject the fault: doctor must find it in its line, and so exit with 1."""
    fault.do(settings)

    findings = look_at(changed(settings, **fault.change), subject)

    verdict = verdict_of(findings, fault.check)
    assert (verdict.state, fault.found in verdict.found) == (fault.state, True), verdict
    assert verdict.remedy
    assert not all_is_well(findings)


def wrong(findings: list[Finding]) -> dict[str, str]:
    """By subject and check, what was found of what is wrong."""
    return {f"{one.subject}: {one.check}": one.verdict.found for one in findings if one.verdict.is_wrong}


def send_heartbeats(instance: dg.DagsterInstance, *, ago: timedelta = timedelta()) -> None:
    """Those of a whole daemon."""
    for daemon in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago.total_seconds(), daemon, "its id", None))
