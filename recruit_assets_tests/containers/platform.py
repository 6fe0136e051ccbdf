"""A platform from docker/compose.yaml under its own project name, driven through Docker, GraphQL and MySQL."""

import json
import os
import secrets
import subprocess
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pymysql

from recruit_assets.local.engines.ports import free_ports

COMPOSE_FOLDER = Path(__file__).parents[2] / "docker"
INHERITED = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
"""A developer's other variables would override the project's."""
COMMAND_S = 1800.0
ANSWER_S = 120
"""Of Dagster and MySQL, on a busy machine."""
API = "1.41"
"""A version of Docker's API that any Docker since 20.10 understands."""
LEDGERS = "/ledgers"
RUN_LABEL = "dagster/run_id"
LAG = (
    "from recruit_assets.runtime.settings import load_settings; from recruit_assets.stores.kafka.offsets import "
    "uncommitted_records as lag; print(lag(load_settings()))"
)
ASK = """
import sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request("http://docker-proxy:2375" + path, body.encode(), method=method)
try:
    answer = urllib.request.urlopen(request, timeout=120)
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.status, answer.read().decode())
"""
REGISTER = """
from pyspark.sql import SparkSession
session = SparkSession.builder.master("spark://spark-master:7077").config("spark.ui.enabled", "false").getOrCreate()
print(session.sparkContext.applicationId)
"""
RUNS = "{runsOrError(limit: 500) {... on Runs {results {runId status tags {key value}}}}}"


@dataclass(frozen=True, slots=True)
class Run:
    """A Dagster run as the webserver describes it."""

    id: str
    status: str
    sensor: str


@dataclass(slots=True)
class Platform:
    """One project: containers, network, volumes and a folder for ledgers, all removed by `down`."""

    stand_ins: bool
    project: str = field(default_factory=lambda: f"recruit-test-{secrets.token_hex(3)}")
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="recruit-docker-")))
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.chmod(0o777)  # the containers' user writes ledgers here
        _checked(_run([str(COMPOSE_FOLDER / "prepare"), str(self.folder)]))
        self.variables |= dict(zip(("UI_PORT", "MYSQL_PORT"), map(str, free_ports(2)), strict=True))
        self.variables["RECRUIT_KAFKA_PARTITIONS"] = "4"

    def secret(self, name: str) -> str:
        """A secret that docker/prepare has made."""
        return (self.folder / "secrets" / name).read_text()

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.variables['UI_PORT']}"

    def compose(
        self, *arguments: str, without: str = "", timeout_s: float = COMMAND_S
    ) -> "subprocess.CompletedProcess[str]":
        """`docker compose` with what docker/prepare made and this project's variables, except `without`."""
        prepared = (self.folder / ".env").read_text().splitlines()
        env_file = self.folder / "env"
        env_file.touch(mode=0o600)
        lines = [*prepared, *(f"{name}={value}" for name, value in self.variables.items())]
        env_file.write_text("".join(f"{line}\n" for line in lines if not line.startswith(f"{without}=")))
        files = ["compose.yaml", *(["stand-ins/compose.yaml"] if self.stand_ins else [])]
        named = [word for name in files for word in ("-f", str(COMPOSE_FOLDER / name))]
        command = ["docker", "compose", "-p", self.project, "--env-file", str(env_file), *named, *arguments]
        return _run(command, timeout_s=timeout_s)

    def up(self, *services: str) -> None:
        """Start these services and what they depend on; by default all that have no profile."""
        profiles = ["--profile", "*"] if services else []
        _checked(self.compose(*profiles, "up", "--detach", "--no-build", "--quiet-pull", *services))

    def down(self) -> None:
        """Remove everything of the project, unfinished runs included."""
        for container in self.run_containers().values():
            _run(["docker", "rm", "--force", "--volumes", container])
        _checked(self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "20"))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `recruit-assets` in a container on the network, with the ledgers at /ledgers."""
        mount = f"{self.folder}:{LEDGERS}"
        return self.compose("run", "--rm", "-T", "--no-deps", "-v", mount, "cli", "recruit-assets", *arguments)

    def containers(self, service: str) -> list[str]:
        """Ids of a service's running containers."""
        return _checked(self.compose("ps", "--quiet", "--status", "running", service)).split()

    def unready(self) -> list[str]:
        """Services that are neither healthy nor finished without an error."""
        listed = _checked(self.compose("ps", "--all", "--format", "json")).splitlines()
        return [
            f"{one['Service']} ({one['State']} {one['Health']})".strip()
            for one in map(json.loads, listed)
            if one["Health"] != "healthy" and not (one["State"] == "exited" and one["ExitCode"] == 0)
        ]

    def run_containers(self) -> dict[str, str]:
        """Containers of unfinished runs, by run id."""
        filters = ["--filter", f"label={RUN_LABEL}", "--filter", f"network={self.project}_stores"]
        format_ = f'{{{{.Label "{RUN_LABEL}"}}}} {{{{.ID}}}}'
        lines = _checked(_run(["docker", "ps", *filters, "--format", format_])).splitlines()
        return dict(line.split() for line in lines)

    def crash(self, container: str) -> bool:
        """kill -9 the container's first process from outside; its restart policy must bring it back."""
        pid = inspected(container, "{{.State.Pid}}")
        image = inspected(container, "{{.Config.Image}}")
        if not pid or pid == "0":
            return False
        killer = ["docker", "run", "--rm", "--pid", "host", "--user", "root", "--entrypoint", "bash", image]
        return _run([*killer, "-c", f"kill -9 {pid}"]).returncode == 0

    def figure(self, query: str) -> float | None:
        """Prometheus' answer to the query; None while it has no sample."""
        address = f"http://127.0.0.1:9090/api/v1/query?{urlencode({'query': query})}"
        answer = self.compose("exec", "-T", "prometheus", "wget", "--quiet", "--output-document=-", address)
        result = json.loads(_checked(answer))["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def lag(self) -> int:
        """Records that ingest hasn't committed."""
        return int(_checked(self.compose("exec", "-T", "ingest", "python", "-c", LAG)))

    def query(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """Rows of the report database."""
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=int(self.variables["MYSQL_PORT"]),
                user="recruit_lineage",
                password=self.secret("recruit_lineage_password"),
                database="recruit",
                connect_timeout=ANSWER_S,
                read_timeout=ANSWER_S,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return cursor.fetchall()

    def runs(self) -> list[Run]:
        body = json.dumps({"query": RUNS}).encode()
        login = b64encode(f"operator:{self.secret('recruit_ui_operator_password')}".encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {login}"}
        request = urllib.request.Request(f"{self.ui}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=ANSWER_S) as response:
            found = json.load(response)["data"]["runsOrError"]["results"]
        tags = [{tag["key"]: tag["value"] for tag in one["tags"]} for one in found]
        return [
            Run(one["runId"], one["status"], its.get("dagster/sensor_name", ""))
            for one, its in zip(found, tags, strict=True)
        ]

    def status_without_login(self) -> int:
        """The HTTP status of Dagster's answer to a request without a password."""
        try:
            with urllib.request.urlopen(f"{self.ui}/server_info", timeout=ANSWER_S) as response:
                return int(response.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def reached(self, service: str, doors: Sequence[str]) -> list[str]:
        """Those of the doors, host/port, that a container of the service can connect to."""
        script = 'for door; do timeout 30 bash -c "exec 3<>/dev/tcp/$door" 2>/dev/null && echo $door; done; true'
        return _checked(self.compose("exec", "-T", service, "bash", "-c", script, "bash", *doors)).split()

    def registered_at_spark(self, *, with_secret: bool) -> "subprocess.CompletedProcess[str]":
        """What comes of registering an application at Spark's master, from a container that reaches it."""
        python = ["python", "-c", REGISTER]
        if with_secret:
            return self.compose("run", "--rm", "-T", "--no-deps", "cli", *python)
        network = ["--network", f"{self.project}_spark"]
        return _run(["docker", "run", "--rm", *network, self.image, *python])

    def ask_for_a_container(self, **other: object) -> tuple[int, str]:
        """What the daemon is answered when it asks Docker for a run's container, but for the given fields."""
        request = {
            "Image": self.image,
            "Cmd": ["dagster", "api", "execute_run", "{}"],
            "Env": ["DAGSTER_RUN_JOB_NAME=x"],
            "Labels": {"dagster/run_id": "x"},
        }
        return self.ask_docker("POST", f"/v{API}/containers/create", {**request, **other})

    def ask_docker(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """HTTP status and text of what the daemon is answered when it asks Docker."""
        ask = ["python", "-c", ASK, method, path, json.dumps(body)]
        status, _, text = _checked(self.compose("exec", "-T", "daemon", *ask)).partition(" ")
        return int(status), text

    @property
    def image(self) -> str:
        """Our image, of which all services but the stores and dashboards are made."""
        return inspected(self.containers("daemon")[0], "{{.Config.Image}}")

    def with_secrets(self, containers: Iterable[str]) -> list[str]:
        """Those of the containers whose description by Docker, environment and command included, has a secret."""
        values = [value for file in (self.folder / "secrets").iterdir() if (value := file.read_text())]
        described = {one: _run(["docker", "inspect", one]).stdout for one in containers}
        return [one for one, text in described.items() if any(value in text for value in values)]

    def all_containers(self) -> list[str]:
        """Ids of the project's containers, those that have ended too."""
        return _checked(self.compose("--profile", "*", "ps", "--all", "--quiet")).split()

    def memory(self) -> Mapping[str, str]:
        """Memory in use, by container."""
        ids = _checked(self.compose("ps", "--quiet")).split()
        lines = _checked(_run(["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids]))
        return dict(line.split(" ", 1) for line in lines.splitlines())


def missing_docker() -> str:
    """Why no container can be started here; empty if one can."""
    for command in (["docker", "info"], ["docker", "compose", "version"], ["docker", "buildx", "version"]):
        with suppress(FileNotFoundError):
            if _run(command).returncode == 0:
                continue
        return f"`{' '.join(command)}` fails"
    return ""


def inspected(container: str, what: str) -> str:
    """A field of a container; empty if it is gone."""
    return _run(["docker", "inspect", "--format", what, container]).stdout.strip()


def restart(containers: Sequence[str]) -> None:
    _checked(_run(["docker", "restart", "--time", "20", *containers]))


def _run(command: Sequence[str], *, timeout_s: float = COMMAND_S) -> "subprocess.CompletedProcess[str]":
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False)


def _checked(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode:
        raise SystemExit(f"`{' '.join(map(str, done.args))}` ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout
