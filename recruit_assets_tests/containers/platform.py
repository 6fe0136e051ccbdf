"""A platform from docker/compose.yaml under its own project name, driven through Docker, GraphQL and MySQL."""

import json
import os
import secrets
import subprocess
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
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
PASSWORDS = (
    "MYSQL_ROOT_PASSWORD", "RECRUIT_OWNER_PASSWORD", "RECRUIT_INGEST_PASSWORD", "RECRUIT_LINEAGE_PASSWORD",
    "RECRUIT_ANALYST_PASSWORD", "DAGSTER_MYSQL_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "RECRUIT_UI_OPERATOR_PASSWORD",
)  # fmt: skip
LEDGERS = "/ledgers"
RUN_LABEL = "dagster/run_id"
LAG = (
    "from recruit_assets.runtime.settings import load_settings; from recruit_assets.stores.kafka.offsets import "
    "uncommitted_records as lag; print(lag(load_settings()))"
)
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
        self.variables |= {name: secrets.token_hex(16) for name in PASSWORDS}
        self.variables |= dict(zip(("UI_PORT", "MYSQL_PORT"), map(str, free_ports(2)), strict=True))
        self.variables["DOCKER_GID"] = str(Path("/var/run/docker.sock").stat().st_gid)
        self.variables["RECRUIT_KAFKA_PARTITIONS"] = "4"

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.variables['UI_PORT']}"

    def compose(self, *arguments: str, without: str = "", timeout_s: float = 900) -> "subprocess.CompletedProcess[str]":
        """`docker compose` with this project's variables, except the one named in `without`."""
        env_file = self.folder / "env"
        env_file.touch(mode=0o600)
        kept = {name: value for name, value in self.variables.items() if name != without}
        env_file.write_text("".join(f"{name}={value}\n" for name, value in kept.items()))
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
            _run(["docker", "rm", "--force", container])
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
                password=self.variables["RECRUIT_LINEAGE_PASSWORD"],
                database="recruit",
                read_timeout=30,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return cursor.fetchall()

    def runs(self) -> list[Run]:
        body = json.dumps({"query": RUNS}).encode()
        login = b64encode(f"operator:{self.variables['RECRUIT_UI_OPERATOR_PASSWORD']}".encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {login}"}
        request = urllib.request.Request(f"{self.ui}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            found = json.load(response)["data"]["runsOrError"]["results"]
        tags = [{tag["key"]: tag["value"] for tag in one["tags"]} for one in found]
        return [
            Run(one["runId"], one["status"], its.get("dagster/sensor_name", ""))
            for one, its in zip(found, tags, strict=True)
        ]

    def status_without_login(self) -> int:
        """The HTTP status of Dagster's answer to a request without a password."""
        try:
            with urllib.request.urlopen(f"{self.ui}/server_info", timeout=30) as response:
                return int(response.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def reaches(self, service: str, door: str) -> bool:
        """Whether a container of the service can connect to host/port."""
        connect = ["timeout", "5", "bash", "-c", f"exec 3<>/dev/tcp/{door}"]
        return self.compose("exec", "-T", service, *connect).returncode == 0

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


def _run(command: Sequence[str], *, timeout_s: float = 300) -> "subprocess.CompletedProcess[str]":
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False)


def _checked(done: "subprocess.CompletedProcess[str]") -> str:
    if done.returncode:
        raise SystemExit(f"`{' '.join(map(str, done.args))}` ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout
