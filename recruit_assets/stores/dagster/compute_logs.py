"""The output of a forked run goes to the files that the UI shows, and nowhere else.

Dagster repeats it on the process's own output, here the daemon's log. For that it starts four processes for each run.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from recruit_assets.stores.dagster.compat import (
    CapturedLogContext,
    ComputeIOType,
    ConfigurableClassData,
    InstanceRef,
    LocalComputeLogManager,
    redirect_stream,
)


class QuietComputeLogManager(LocalComputeLogManager):
    """Dagster's files, without the repetition."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        with (
            self.open_log_stream(log_key, ComputeIOType.STDOUT) as out,
            self.open_log_stream(log_key, ComputeIOType.STDERR) as err,
            redirect_stream(out, sys.stdout),
            redirect_stream(err, sys.stderr),
        ):
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()  # type: ignore[no-untyped-call]  # Dagster's


def without_repetition(instance: InstanceRef) -> InstanceRef:
    """The instance for a forked run; unchanged if its output goes to another place than local files."""
    manager = instance.compute_logs_data
    if manager.class_name != LocalComputeLogManager.__name__:
        return instance
    quiet = ConfigurableClassData(__name__, QuietComputeLogManager.__name__, manager.config_yaml)
    return instance._replace(compute_logs_data=quiet)
