"""The platform in Docker: events, the sensor's report, an exact audit; then crashes and a second audit.

`make docker-test`, or `python -m recruit_assets_tests.containers.scenario`; it takes minutes. Exit code 0 means that
both audits were exact and everything killed came back; 2 means that there is no Docker. Official images that can't be
pulled are replaced by docker/stand-ins.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from recruit_assets_tests.containers.platform import API, LEDGERS, Platform, inspected, missing_docker, restart

FOREIGN = ("kafka", "cassandra", "mysql", "prometheus")
"""Services with third-party images. Grafana has no stand-in, so it isn't started."""
SENSOR = "cassandra_cdc_sensor"
FINISHED = ("SUCCESS", "FAILURE", "CANCELED")
READY_S = 1200.0
SETTLED_S = 2400.0
RUN_SEEN_S = 900.0
RESTARTED_S = 300.0
SCRAPED_S = 600.0
DOORS = (
    "kafka/9092", "cassandra/9042", "mysql/3306", "spark-master/7077", "spark-connect/15002", "dagster-db/3306",
    "code-server/4000", "docker-proxy/2375",
)  # fmt: skip
OPEN = {
    "ingest": ("kafka/9092", "cassandra/9042", "mysql/3306"),
    "spark-worker": ("cassandra/9042", "mysql/3306", "spark-master/7077", "spark-connect/15002"),
    "daemon": ("dagster-db/3306", "code-server/4000", "docker-proxy/2375"),
    "webserver": ("dagster-db/3306", "code-server/4000", "docker-proxy/2375"),
    "docker-proxy": ("docker-proxy/2375",),
}
"""Which of the doors a service reaches."""
NOT_A_RUN = (
    {"Image": "python:3.11-slim-bookworm"},
    {"Cmd": ["bash", "-c", "id"]},
    {"User": "root"},
    {"HostConfig": {"Privileged": True}},
    {"HostConfig": {"Binds": ["/:/host"]}},
    {"HostConfig": {"PidMode": "host"}},
    {"HostConfig": {"NetworkMode": "host"}},
    {"HostConfig": {"CapAdd": ["ALL"]}},
)
"""Fields of a container that would be more than a run's."""
READ_THROUGH = "SELECT low_water FROM change_feed_mark WHERE id = 1"

Result = TypeVar("Result")
console = Console(width=120, highlight=False)


def scenario(
    events: Annotated[int, typer.Option(min=1000, help="Records of each of the two rounds")] = 20_000,
    rate: Annotated[float, typer.Option(help="Records per second of the second round")] = 250.0,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform running afterwards")] = False,
) -> None:
    """Build, start, send, audit; kill, send, audit; remove."""
    if problem := missing_docker():
        console.print(f"docker-test can't run: {problem}; it needs a Docker daemon, compose and buildx")
        raise typer.Exit(2)
    platform = Platform(stand_ins=not _has_official_images())
    _refusal(platform)
    _step("images are built", lambda: _built(platform))
    try:
        _step("everything is up and healthy", lambda: _started(platform))
        _step("other doors are closed", lambda: _closed_doors(platform))
        _first_round(platform, events)
        _second_round(platform, events, rate)
        console.print(dict(sorted(platform.memory().items())))
        console.print(f"runs: {dict(Counter((run.sensor, run.status) for run in platform.runs()))}")
    except BaseException:
        console.print(platform.compose("logs", "--no-color", "--tail", "25").stdout, markup=False)
        raise
    finally:
        if keep:
            console.print(f"kept: project {platform.project}, {platform.ui}, variables in {platform.folder / 'env'}")
        else:
            _step("everything is removed, volumes too", platform.down)
    console.print("docker-test passed")


def _has_official_images() -> bool:
    """True if the engines' images are present or can be pulled."""
    official = Platform(stand_ins=False)
    pulled = official.compose("--profile", "*", "pull", "--quiet", "--policy", "missing", *FOREIGN)
    if pulled.returncode:
        reason = (pulled.stderr.strip().splitlines() or ["no reason given"])[-1]
        console.print(f"the official images can't be pulled ({reason}): stand-ins take their place", markup=False)
    return pulled.returncode == 0


def _refusal(platform: Platform) -> None:
    for name in ("SECRETS_FOLDER", "DOCKER_GID"):
        refused = platform.compose("config", "--quiet", without=name)
        _require(refused.returncode != 0 and name in refused.stderr, f"without {name}: {refused.stderr}")


def _built(platform: Platform) -> None:
    # the stand-ins are made of the platform's own image
    for services in [["ingest"], FOREIGN] if platform.stand_ins else [["ingest"]]:
        built = platform.compose("--profile", "*", "build", *services, timeout_s=1800)
        _require(built.returncode == 0, f"the build failed:\n{built.stderr[-4000:]}")


def _started(platform: Platform) -> None:
    platform.up()
    _wait(lambda: not platform.unready(), READY_S, what="healthy containers", found=platform.unready)
    # a service that dies at its start is started again, so it may be healthy in the end
    restarts = [inspected(each, "{{.RestartCount}} {{.Name}}") for each in platform.all_containers()]
    _require(all(each.startswith("0 ") for each in restarts), f"restarts while the platform started: {restarts}")


def _closed_doors(platform: Platform) -> None:
    """Each service reaches what it needs and no more; Docker makes nothing but runs; Dagster asks for a login."""
    _require(platform.status_without_login() == HTTPStatus.UNAUTHORIZED, "Dagster answers without a login")
    for service, doors in OPEN.items():
        reached = platform.reached(service, DOORS)
        _require(reached == list(doors), f"{service} reaches {reached}")
    # the code location is in ingest's network too, but doesn't listen there
    _require(platform.reached("ingest", ["code-location/4000"]) == [], "ingest reaches the code location")
    _spark_asks_for_its_secret(platform)
    _docker_makes_nothing_but_runs(platform)
    shown = platform.with_secrets(platform.all_containers())
    _require(shown == [], f"docker inspect shows secrets of {shown}")


def _spark_asks_for_its_secret(platform: Platform) -> None:
    known, stranger = (platform.registered_at_spark(with_secret=it_has) for it_has in (True, False))
    _require("app-" in known.stdout, f"Spark refuses the secret: {known.stderr[-4000:]}")
    # a driver that was refused chooses an id by itself, with another beginning
    refused = "app-" not in stranger.stdout and "All masters are unresponsive" in stranger.stderr
    _require(refused, f"without Spark's secret: {stranger.stdout} {stranger.stderr[-4000:]}")


def _docker_makes_nothing_but_runs(platform: Platform) -> None:
    for other in NOT_A_RUN:
        status, answer = platform.ask_for_a_container(**other)
        _require((status, next(iter(other)) in answer) == (HTTPStatus.FORBIDDEN, True), f"{other}: {status} {answer}")
    kafka = f"/v{API}/containers/{platform.containers('kafka')[0]}"
    wanted = {
        ("GET", "/containers/json"): HTTPStatus.FORBIDDEN,
        ("POST", f"/v{API}/images/create?fromImage=other"): HTTPStatus.FORBIDDEN,
        ("DELETE", kafka): HTTPStatus.FORBIDDEN,
        ("POST", f"{kafka}/exec"): HTTPStatus.FORBIDDEN,
        ("GET", f"{kafka}/json"): HTTPStatus.NOT_FOUND,
        ("POST", f"{kafka}/stop"): HTTPStatus.NOT_FOUND,
    }
    found = {asked: platform.ask_docker(*asked)[0] for asked in wanted}
    _require(found == wanted, f"Docker's answers through the proxy are {found}")


def _first_round(platform: Platform, events: int) -> None:
    end = _whole_hour() - timedelta(days=5)
    _step(f"{events:,} records are sent", lambda: _sent(platform, events, seed=1, end=end, rate=0))
    _step("the sensor's runs cover all of them", lambda: _settled(platform))
    ledger = _merged(platform, 1)
    _audited(platform, ledger)
    _step("no run is left", lambda: _ended(platform))
    runs = [run for run in platform.runs() if run.sensor == SENSOR]
    _require(bool(runs) and {run.status for run in runs} == {"SUCCESS"}, f"runs of the sensor: {runs}")
    for command in (["materialize"], ["report", "--html", f"{LEDGERS}/report.html"]):
        done = _step(f"recruit-assets {command[0]}", partial(platform.command, *command))
        _require(done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    platform.up("prometheus")
    _step("Prometheus has the figures of the audit", lambda: _scraped(platform, ledger))


def _scraped(platform: Platform, ledger: str) -> None:
    """Prometheus has the figures of each store, of ingest, and of the audit that another container ran."""
    events = json.loads((platform.folder / ledger).read_bytes())["counts"]["countable"]
    wanted = {
        "sum(up)": 2,
        "sum(recruit_up)": 4,
        "recruit_report_events": events,
        "recruit_kafka_lag_records": 0,
        "recruit_audit_exact": 1,
    }

    def found() -> dict[str, float | None]:
        return {query: platform.figure(query) for query in wanted}

    _wait(lambda: found() == wanted, SCRAPED_S, what=f"{wanted} in Prometheus", found=found)


def _second_round(platform: Platform, events: int, rate: float) -> None:
    """Kill and restart services while records arrive, then audit."""
    before = platform.runs()
    with _sending(platform, events, rate):
        ingest = platform.containers("ingest")[0]
        _step("ingest is killed", lambda: _killed(platform, ingest))
        killed_run = _step("a run's container is killed", lambda: _killed_run(platform, {run.id for run in before}))
        worker = platform.containers("spark-worker")[0]
        _step("a Spark worker is killed", lambda: _killed(platform, worker))
        lasting = _step("webserver and daemon restart beside a run", lambda: _restarted(platform, killed_run))
    _step("the sensor's runs cover all of them", lambda: _settled(platform))
    _audited(platform, _merged(platform, 2))
    _require(not platform.unready(), f"not healthy again: {platform.unready()}")
    for name, container in (("ingest", ingest), ("the worker", worker)):
        _require(inspected(container, "{{.RestartCount}}") != "0", f"{name} wasn't restarted by Docker")
    _step("no run is left", lambda: _ended(platform))
    statuses = {run.id: run.status for run in platform.runs()}
    _require(statuses[killed_run] == "FAILURE", f"the killed run {killed_run} is {statuses[killed_run]}")
    _require(statuses[lasting] == "SUCCESS", f"the run beside the restart, {lasting}, is {statuses[lasting]}")


def _sent(platform: Platform, events: int, *, seed: int, end: datetime, rate: float) -> None:
    """A simulation of half a day whose hours are no other's, so that ledgers only need adding."""
    options = {
        "--events": events,
        "--seed": seed,
        "--rate": rate,
        "--start": f"{end - timedelta(hours=12):%Y-%m-%dT%H:%M}",
        "--end": f"{end:%Y-%m-%dT%H:%M}",
        "--late-hours": 6,
        "--ledger": f"{LEDGERS}/{seed}.json",
    }
    sent = platform.command("simulate", *(str(word) for pair in options.items() for word in pair))
    _require(sent.returncode == 0, f"the simulator ended with {sent.returncode}: {sent.stderr}")


@contextmanager
def _sending(platform: Platform, events: int, rate: float) -> Iterator[None]:
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(_sent, platform, events, seed=2, end=_whole_hour(), rate=rate)
        time.sleep(10)
        yield
        sent.result()


def _killed(platform: Platform, container: str) -> None:
    _require(platform.crash(container), f"{container} can't be killed")
    _wait(lambda: inspected(container, "{{.State.Running}}") == "true", RESTARTED_S, what="the container's restart")


def _killed_run(platform: Platform, before: set[str]) -> str:
    """Kill a run that is executing; returns its id."""

    def killed() -> str:
        started = {run.id for run in platform.runs() if run.status == "STARTED"} - before
        unfinished = platform.run_containers()
        for run in started & unfinished.keys():
            _confined(platform, unfinished[run])
            if platform.crash(unfinished[run]):
                return run
        return ""

    return _wait(killed, RUN_SEEN_S, what="a run to kill")


def _confined(platform: Platform, container: str) -> None:
    """A run's container has no secret in its description, and no privileges."""
    _require(platform.with_secrets([container]) == [], "docker inspect shows a secret of a run")
    found = inspected(container, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}")
    # empty: the run has just ended
    _require(found in ("", "true [ALL] [no-new-privileges:true]"), f"a run's container has {found}")


def _restarted(platform: Platform, killed_run: str) -> str:
    """Restart webserver and daemon while another run executes; returns that run's id."""

    def unfinished() -> str:
        return next((run for run in platform.run_containers() if run != killed_run), "")

    run = _wait(unfinished, RUN_SEEN_S, what="a run beside the restart")
    restart([*platform.containers("daemon"), *platform.containers("webserver")])
    _wait(lambda: not platform.unready(), READY_S, what="healthy containers", found=platform.unready)
    return run


def _settled(platform: Platform) -> None:
    """Wait until ingest has caught up, the feed was read after that, and no hour is pending."""
    _wait(lambda: platform.lag() == 0, SETTLED_S, what="a lag of 0", found=platform.lag)
    caught_up = datetime.now(UTC).replace(tzinfo=None)
    _wait(lambda: platform.query(READ_THROUGH)[0][0] > caught_up, SETTLED_S, what="a reading of the change feed")
    pending = "SELECT COUNT(*) FROM pending_hours"
    _wait(lambda: platform.query(pending)[0][0] == 0, SETTLED_S, what="no pending hour")


def _ended(platform: Platform) -> None:
    """Wait until no run is unfinished: when its hours are stored, a run still has its checks to do."""

    def unfinished() -> list[str]:
        return [f"{run.id} {run.status}" for run in platform.runs() if run.status not in FINISHED]

    _wait(lambda: not unfinished(), RUN_SEEN_S, what="the end of all runs", found=unfinished)


def _merged(platform: Platform, rounds: int) -> str:
    """Merge the ledgers of the first rounds into one file; returns its name."""
    ledgers = [json.loads((platform.folder / f"{seed}.json").read_bytes()) for seed in range(1, rounds + 1)]
    merged = ledgers[0]
    for other in ledgers[1:]:
        merged["report"] += other["report"]
        refused = Counter(merged["counts"]["dead_letters"]) + Counter(other["counts"]["dead_letters"])
        numbers = {name for name, value in merged["counts"].items() if isinstance(value, int)}
        merged["counts"] |= {name: merged["counts"][name] + other["counts"][name] for name in numbers}
        merged["counts"]["dead_letters"] = dict(refused)
    name = f"rounds-1-to-{rounds}.json"
    target = Path(platform.folder, name)
    target.write_text(json.dumps(merged))
    target.chmod(0o644)
    return name


def _audited(platform: Platform, ledger: str) -> None:
    audit = _step("the audit", lambda: platform.command("audit", "--ledger", f"{LEDGERS}/{ledger}"))
    console.print(audit.stdout, markup=False)
    _require(audit.returncode == 0, f"the audit isn't exact: {audit.stderr}")


def _whole_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _wait(
    condition: Callable[[], Result], timeout_s: float, *, what: str, found: Callable[[], object] = lambda: ""
) -> Result:
    """Wait for a truthy result of the condition and return it."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} wasn't there after {timeout_s:.0f} s {found()}")
        time.sleep(2.0)
    return result


def _step(what: str, work: Callable[[], Result]) -> Result:
    started = time.monotonic()
    result = work()
    console.print(f"{time.monotonic() - started:6.1f} s  {what}")
    return result


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise SystemExit(message)


if __name__ == "__main__":
    typer.run(scenario)
