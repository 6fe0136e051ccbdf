"""Processes attach to the warm Spark side by side: they share its context, and none sees the session of another."""

import subprocess
import sys
from pathlib import Path

import pytest

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.warm import probe_spark

ATTACHED = """
import sys, warnings
from pathlib import Path
from recruit_assets.stores.spark.warm import attached_session
session = attached_session(Path(sys.argv[1]))
session.conf.set("spark.sql.session.timeZone", sys.argv[2])
views = [table.name for table in session.catalog.listTables()]
session.range(1).createOrReplaceTempView("mine")
print(session.sparkContext.applicationId, session.conf.get("spark.sql.session.timeZone"), *views)
"""

DOORS = """
import sys
from pathlib import Path
from recruit_assets.stores.spark.warm import attached_session
conf = attached_session(Path(sys.argv[1])).conf
print(*(conf.get(f"spark.{name}") for name in ("authenticate", "driver.host", "driver.bindAddress")))
"""

THREADS = """
import os, sys
from pathlib import Path
from recruit_assets.stores.spark.warm import attached_session
context = attached_session(Path(sys.argv[1])).sparkContext
cores = len(os.sched_getaffinity(0))
print(context.master == f"local[{2 * cores}]", context.defaultParallelism == cores)
"""

INTERRUPTIBLE = """
import signal, sys
from pathlib import Path
from recruit_assets.stores.spark.warm import attached_session
before = signal.getsignal(signal.SIGINT)
session = attached_session(Path(sys.argv[1]))
print(signal.getsignal(signal.SIGINT) is before)
"""

POOLS = """
import sys
from pathlib import Path
from recruit_assets.stores.spark.warm import CURRENT_POOL, attached_session
connection = Path(sys.argv[1])
sessions = [attached_session(connection), attached_session(connection, CURRENT_POOL)]
current = sessions[0].sparkContext.getLocalProperty("spark.scheduler.pool")
attached_session(connection)
print(sessions[0] is sessions[1], current, sessions[0].sparkContext.getLocalProperty("spark.scheduler.pool"))
"""

LONG = """
import sys, threading, time
from pathlib import Path
from recruit_assets.stores.spark.warm import attached_session
session = attached_session(Path(sys.argv[1]))
tasks = 12 * int(session.sparkContext.master.removeprefix("local[").removesuffix("]"))
slow = session.range(0, tasks, 1, tasks).selectExpr("reflect('java.lang.Thread', 'sleep', 500L) AS slept")
job = threading.Thread(target=slow.collect)
job.start()
while not session.sparkContext.statusTracker().getActiveJobsIds():
    time.sleep(0.05)
print("begun", flush=True)
job.join()
"""

SHORT = """
import sys
from pathlib import Path
from recruit_assets.stores.spark.warm import CURRENT_POOL, attached_session
session = attached_session(Path(sys.argv[1]), CURRENT_POOL)
print("ready", flush=True)
sys.stdin.readline()
print(session.range(7).count(), flush=True)
"""


def attach(settings: Settings, *arguments: str, script: str = ATTACHED) -> list[str]:
    """The output of a process that attaches."""
    command = [sys.executable, "-c", script, settings.spark_gateway, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


def start(settings: Settings, script: str) -> "subprocess.Popen[str]":
    """A process that attaches and talks through its pipes."""
    command = [sys.executable, "-c", script, settings.spark_gateway]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_processes_share_only_the_spark_context(engines: Settings) -> None:
    context, *first = attach(engines, "Europe/Berlin")
    same_context, *second = attach(engines, "UTC")

    assert context == same_context
    assert (first, second) == (["Europe/Berlin"], ["UTC"])


def test_its_ports_are_on_the_loopback_and_ask_for_a_secret(engines: Settings) -> None:
    """Whoever may send it tasks executes anything as its user."""
    assert attach(engines, script=DOORS) == ["true", "127.0.0.1", "127.0.0.1"]


def test_the_current_hours_run_finds_threads_beside_that_of_a_busy_past_hour(engines: Settings) -> None:
    """A job has a task per core; with only as many threads, it would wait until the other run's tasks end."""
    assert attach(engines, script=THREADS) == ["True", "True"]


def test_a_run_that_is_canceled_leaves_the_jobs_of_others_alone(engines: Settings) -> None:
    """PySpark's handler of SIGINT cancels every job of the JVM."""
    assert attach(engines, script=INTERRUPTIBLE) == ["True"]


def test_a_process_executes_runs_of_the_current_hour_and_of_others(engines: Settings) -> None:
    """PySpark refuses a second SparkContext in a process."""
    assert attach(engines, script=POOLS) == ["True", "current", "default"]


def test_a_gateway_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"Spark failed \(its address is in .*/connection\)"):
        probe_spark(tmp_path / "connection")


def test_a_long_job_does_not_hold_up_the_jobs_of_the_current_hour(engines: Settings) -> None:
    """By default, Spark runs all tasks of the oldest job first."""
    with start(engines, SHORT) as short, start(engines, LONG) as long:
        assert (next_line(short), next_line(long)) == ("ready\n", "begun\n")
        counted, _ = short.communicate("go\n", timeout=60)
        is_long_running = long.poll() is None
        long.communicate(timeout=60)

    assert (counted, is_long_running, long.returncode) == ("7\n", True, 0)
