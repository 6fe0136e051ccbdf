"""The local engines as a subject of `recruit-assets doctor`: whether their processes run."""

from collections.abc import Mapping
from contextlib import nullcontext

from recruit_assets.local.engines.engine import HOST, EngineName, EngineState, EngineStatus
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, fail, ok, skipped
from recruit_assets.runtime.settings import Settings, uses_other_engines

START = "run `recruit-assets engines start`"

Statuses = Mapping[EngineName, EngineStatus]
"""Empty if the settings name engines elsewhere."""


def local_engines(settings: Settings) -> Subject[Statuses]:
    def read() -> Statuses:
        if uses_other_engines(settings):
            return {}
        return {one.name: one for one in LocalEngines(settings).status()}

    return Subject("local engines", lambda: nullcontext(read()), CHECKS, independent=True)


def engine(status: EngineStatus | None) -> Verdict:
    """None if the engines are elsewhere."""
    if status is None:
        return skipped("the settings name engines elsewhere")
    note = f": {status.note}" if status.note else ""
    if status.state is EngineState.RUNNING and not note:
        return ok(f"running, pid {status.pid}" + (f", {HOST}:{status.port}" if status.port else ""))
    return fail(f"{status.state}{note} (log: {status.log})", START)


def _check(name: EngineName) -> Check[Statuses]:
    return Check(name.value, lambda statuses: engine(statuses.get(name)))


CHECKS = tuple(map(_check, EngineName))
