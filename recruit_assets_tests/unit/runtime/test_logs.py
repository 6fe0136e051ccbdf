"""What a process writes to stderr."""

import logging
import subprocess
import sys

import pytest

from recruit_assets.runtime import logs

CODE = """
import logging
from recruit_assets.runtime.logs import configure_logs
configure_logs("ingest-0")
try:
    raise ConnectionRefusedError("nobody listens")
except OSError:
    logging.getLogger({logger!r}).error("no host", exc_info=True)
    logging.getLogger({logger!r}).warning("a warning")
"""


@pytest.mark.parametrize(
    ("logger", "expected"),
    [
        ("kafka.coordinator", ["ERROR ingest-0: no host"]),
        ("kafka.net.manager", []),
        ("cassandra.cluster", []),
        ("recruit_assets.ingest.worker", ["ERROR ingest-0: no host", "WARNING ingest-0: a warning"]),
    ],
)
def test_errors_of_client_libraries_are_logged_without_traceback(logger: str, expected: list[str]) -> None:
    code = CODE.format(logger=logger)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr

    lines = [line for line in said.splitlines() if "ingest-0" in line]
    assert [line.split(" ", 2)[2] for line in lines] == expected
    assert ("Traceback" in said) == (logger == "recruit_assets.ingest.worker")


def test_failed_connection_attempts_are_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client logs each attempt, several per second. At the start, the command's own error is enough."""
    now_s = 0.0
    monkeypatch.setattr("recruit_assets.runtime.logs.time.monotonic", lambda: now_s)
    attempts = logs._ConnectionAttempts()
    record = logging.LogRecord("kafka.net.manager", logging.ERROR, "", 0, "Connection failed", None, None)

    shown = []
    for now_s in (1.0, 14.0, 16.0, 17.0, 70.0, 77.0):  # noqa: B007  # the clock
        shown.append(attempts.should_log(record))

    assert shown == [False, False, True, False, False, True]
