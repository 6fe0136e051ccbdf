"""Run `recruit-assets up` under a steady load while its processes are killed in turn; then audit the report.

`make soak`, or `python -m recruit_assets_tests.chaos.soak --minutes 15`. Prints memory, kills and runs. Exit code 0
means that the report is exact, every run has finished and no process is left.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Annotated

import dagster as dg
import psutil
import typer
from dagster._core.storage.dagster_run import FINISHED_STATUSES, NOT_FINISHED_STATUSES
from rich.console import Console
from rich.table import Table

from recruit_assets.cli.demo import switch_all_on
from recruit_assets.hours.downstream import downstream_of
from recruit_assets.observability.audit import run_audit
from recruit_assets.observability.audit.table import show
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.simulator.spec import shares_beside
from recruit_assets.stores.dagster.instance import HOME_VARIABLE
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.downstream import stale_hours
from recruit_assets_tests.support.command import RECRUIT_ASSETS

SAMPLE_EVERY_S = 15.0
STARTED_S = 180.0
SETTLED_S = 600.0
MB = 1024 * 1024
READ_THROUGH = "SELECT low_water FROM change_feed_mark WHERE id = 1"

console = Console(width=120)


def soak(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long events are sent")] = 15.0,
    rate: Annotated[float, typer.Option(min=1, help="Events per second")] = 200.0,
    kill_every: Annotated[float, typer.Option(help="Seconds between two kills; 0: none")] = 120.0,
    victims: Annotated[str, typer.Option(help="Processes to kill in turn: ingest, daemon, run")] = "ingest",
    state_dir: Annotated[Path, typer.Option(help="Emptied first")] = Path(".recruit/soak"),
    full: Annotated[bool, typer.Option("--full", help="With the tables that settings add beside the report")] = False,
) -> None:
    """Run the platform under load and kills, wait until no hour is pending, then audit the report."""
    if full:
        switch_all_on()
    state_dir = state_dir.resolve()
    shutil.rmtree(state_dir, ignore_errors=True)
    state_dir.mkdir(parents=True)
    ledger = state_dir / "ledger.json"
    environment = {**os.environ, "RECRUIT_STATE_DIR": str(state_dir)}
    environment.pop(HOME_VARIABLE, None)
    with command("up", "--rate", "0", environment=environment, log=state_dir / "up.log") as up:
        wait_for(lambda: "Ctrl-C stops" in (state_dir / "up.log").read_text(), STARTED_S, what="the platform")
        settings = load_settings(state_dir=state_dir)
        sizes = Sizes(up)
        count = str(round(minutes * 60 * rate))
        options = ("--live", "--events", count, "--rate", str(rate), "--ledger", str(ledger))
        shares = [f"--{name.replace('_', '-')}={share}" for name, share in shares_beside(settings).items()]
        with command(
            "simulate", *options, *shares, environment=environment, log=state_dir / "simulate.log"
        ) as simulator:
            kills = load(simulator, up, sizes, kill_every_s=kill_every, victims=victims.split(","))
        settled_s = wait_for(lambda: is_settled(settings), SETTLED_S, what="a report that covers every event")
        result = run_audit(settings, ledger=ledger)
        unfinished, finished = runs(state_dir)
    left = processes_of(state_dir)
    show(result, console)
    console.print(sizes.table())
    console.print(
        f"{count} records at {rate:.0f}/s, kills: {dict(kills)}; nothing pending {settled_s:.0f} s after the last; "
        f"runs: {dict(finished)}, unfinished: {unfinished}; processes left: {len(left)}"
    )
    raise typer.Exit(0 if result.exact and not unfinished and not left else 1)


class Sizes:
    """Samples of each service's memory, children included."""

    def __init__(self, up: "subprocess.Popen[bytes]") -> None:
        self._up = up
        self._seen: dict[str, list[float]] = defaultdict(list)

    def sample(self) -> None:
        totals: dict[str, float] = defaultdict(float)
        for process in psutil.Process(self._up.pid).children():
            name = name_of(process)
            for one in (process, *children(process)):
                try:
                    totals[name] += one.memory_info().rss / MB
                except psutil.NoSuchProcess:
                    continue
        for name, total in totals.items():
            self._seen[name].append(total)

    def table(self) -> Table:
        table = Table(
            "service, with children", "first third MB", "last third MB", "maximum MB", title="Resident memory"
        )
        for name, values in sorted(self._seen.items()):
            third = max(1, len(values) // 3)
            means = (sum(part) / len(part) for part in (values[:third], values[-third:]))
            table.add_row(name, *(f"{value:,.0f}" for value in (*means, max(values))))
        return table


def load(
    simulator: "subprocess.Popen[bytes]",
    up: "subprocess.Popen[bytes]",
    sizes: Sizes,
    *,
    kill_every_s: float,
    victims: Sequence[str],
) -> Counter[str]:
    """Sample memory and kill processes until the simulator ends; returns the number of kills by victim."""
    kills: Counter[str] = Counter()
    turns = cycle(victims)
    next_kill = time.monotonic() + kill_every_s
    next_sample = time.monotonic()
    while simulator.poll() is None:
        if time.monotonic() >= next_sample:
            sizes.sample()
            next_sample += SAMPLE_EVERY_S
        if kill_every_s and time.monotonic() >= next_kill:
            victim = next(turns)
            kills[victim] += kill(up, victim)
            next_kill += kill_every_s
        time.sleep(0.5)
    if simulator.returncode:
        raise SystemExit(f"the simulator ended with exit code {simulator.returncode}, see its log")
    return kills


def kill(up: "subprocess.Popen[bytes]", victim: str) -> bool:
    """kill -9 a consumer, the daemon or a run's process; False if there is none at the moment."""
    service = "ingest" if victim == "ingest" else "daemon"
    for parent in (one for one in psutil.Process(up.pid).children() if name_of(one) == service):
        candidates = [one for one in children(parent) if is_worker(one)]
        chosen = candidates[:1] or ([] if victim == "run" else [parent])
        for process in [parent] if victim == "daemon" else chosen:
            process.kill()
            return True
    return False


def is_worker(process: psutil.Process) -> bool:
    """True for a consumer, which is spawned, and for a run, which is forked from the fork server."""
    words = " ".join(process.cmdline())
    if "forkserver" not in words:
        return "spawn_main" in words
    parent = process.parent()
    return parent is not None and "forkserver" in " ".join(parent.cmdline())


def name_of(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next((name for name in ("ingest", "webserver", "daemon", "simulate") if name in words), "other")


def children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def is_settled(settings: Settings) -> bool:
    """True once everything is ingested, the feed was read after that, and every table has the hours it should have."""
    if uncommitted_records(settings):
        return False
    ingested_at = datetime.now(UTC).replace(tzinfo=None)
    with open_report_database(settings) as database:
        wait_for(
            lambda: database.query(READ_THROUGH)[0][0] > ingested_at, SETTLED_S, what="a reading of the change feed"
        )
        ((pending,),) = database.query("SELECT COUNT(*) FROM pending_hours")
        return not pending and not any(stale_hours(database, one) for one in downstream_of(settings))


def processes_of(state_dir: Path) -> list[psutil.Process]:
    """Processes that still use this state directory, this command excepted."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    others = (one for one in psutil.process_iter(["cmdline"]) if one.pid not in own)
    return [one for one in others if str(state_dir) in " ".join(one.info["cmdline"] or ())]


def runs(state_dir: Path) -> tuple[int, Mapping[str, int]]:
    """The number of unfinished runs, and of finished runs by status."""
    os.environ[HOME_VARIABLE] = str(state_dir / "dagster")
    with dg.DagsterInstance.get() as instance:
        unfinished = instance.get_runs_count(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
        finished = {one.value: instance.get_runs_count(dg.RunsFilter(statuses=[one])) for one in FINISHED_STATUSES}
    return unfinished, finished


@contextmanager
def command(*arguments: str, environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a recruit-assets command; SIGTERM it when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*RECRUIT_ASSETS, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def wait_for(condition: Callable[[], object], timeout_s: float, *, what: str) -> float:
    """Wait for the condition and return the seconds that took; SystemExit after the timeout."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout_s:
            raise SystemExit(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(1.0)
    return time.monotonic() - started


if __name__ == "__main__":
    typer.run(soak)
