"""The compose file and the files that it uses. Only the last tests need Docker."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.mysql.accounts import USER_PREFIX

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCE: dict[str, Any] = yaml.safe_load((DOCKER / "dagster.yaml").read_text(encoding="utf-8"))
EXAMPLE = (DOCKER / ".env.example").read_text(encoding="utf-8")
NETWORKS: dict[str, Any] = COMPOSE["networks"]
PROVISIONING = DOCKER / "grafana" / "provisioning"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-clients.lock")

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
ENDS = {"accounts", "schema", "cli"}
"""Services that end when their work is done."""
GIVEN_BY_COMPOSE = {"COMPOSE_PROJECT_NAME"}
SECRETS = [found["name"] for found in VARIABLE.finditer("".join(COMPOSE["x-required"]))]


def variables() -> dict[str, str]:
    """For each variable with a default, the text after its name: `:-default`."""
    found = {found["name"]: found["rest"] for found in VARIABLE.finditer(TEXT) if found["rest"]}
    return {name: rest for name, rest in found.items() if name not in SECRETS}


needs_compose = pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="there is no Docker Compose on this machine",
)


def test_every_image_has_a_version() -> None:
    images = {name: VARIABLE.sub(lambda found: found["rest"][2:], one["image"]) for name, one in SERVICES.items()}

    assert [name for name, image in images.items() if not re.search(r":v?\d+\.\d+\.\d+$", image)] == []


def test_nothing_starts_without_its_secrets() -> None:
    named = {found["name"] for found in VARIABLE.finditer(TEXT)}

    # of stores that aren't ours, and of a login that there needn't be
    optional = {"RECRUIT_KAFKA_PASSWORD", "RECRUIT_CASSANDRA_PASSWORD", "RECRUIT_UI_VIEWER_PASSWORD"}

    assert {name for name in named if "PASSWORD" in name} - optional | {"DOCKER_GID"} == set(SECRETS)
    assert [one for one in COMPOSE["x-required"] if ":?set it in docker/.env" not in one] == []
    assert [name for name in SECRETS if f"\n{name}=\n" not in EXAMPLE] == []
    assert [name for name in named - set(SECRETS) - GIVEN_BY_COMPOSE if name not in variables()] == []


def test_ports_are_published_on_the_loopback_only() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert [port for ports in published.values() for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_and_a_health_check(name: str) -> None:
    service = SERVICES[name]

    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert ("healthcheck" in service) != (name in ENDS | {"simulator"})
    assert service["restart"] == ({"cli": "no"}.get(name, "on-failure") if name in ENDS else "unless-stopped")


def test_only_the_service_that_creates_users_is_root_in_mysql() -> None:
    logins = {name: one.get("environment", {}).get("RECRUIT_MYSQL_USER") for name, one in SERVICES.items()}

    assert [name for name, login in logins.items() if login == "root"] == ["accounts"]


def test_only_what_uses_dagsters_database_has_its_password() -> None:
    given = {name for name, one in SERVICES.items() if "DAGSTER_MYSQL_URL" in one.get("environment", {})}

    assert given == {"code-location", "webserver", "daemon", "metrics", "cli"}


def test_only_what_uses_it_shares_a_network_with_spark() -> None:
    """It executes what anybody who reaches it sends."""
    members = {network: {name for name, one in SERVICES.items() if network in one["networks"]} for network in NETWORKS}

    assert members["spark"] == {"spark-master", "spark-worker", "spark-connect", "cli", "cassandra", "mysql"}
    assert members["report"] == {"mysql", "grafana"}
    assert {"prometheus", "grafana"} & members["stores"] == set()


def test_only_the_web_server_has_its_logins_passwords_and_its_port_asks_for_one() -> None:
    given = {name for name, one in SERVICES.items() if "RECRUIT_UI_OPERATOR_PASSWORD" in one.get("environment", {})}

    assert given == {"webserver"}
    assert SERVICES["webserver"]["command"][:2] == ["recruit-assets", "webserver"]


def test_no_command_holds_a_secret() -> None:
    assert [name for name, one in SERVICES.items() if "PASSWORD" in str(one.get("command"))] == []


def test_every_variable_is_in_the_example_with_its_default() -> None:
    wanted = {
        name: "" if name.endswith(("CONF", "SETTINGS")) else rest.lstrip(":-") for name, rest in variables().items()
    }

    assert [name for name, default in wanted.items() if f"\n#{name}={default}" not in EXAMPLE] == []


def test_a_run_gets_the_daemons_environment() -> None:
    names = INSTANCE["run_launcher"]["config"]["env_vars"]

    assert sorted(names) == sorted(SERVICES["daemon"]["environment"])
    assert [name for name in names if "=" in name] == []


def test_every_setting_reaches_runs_and_commands() -> None:
    set_elsewhere = {
        "state_dir", "cache_dir",  # in the image
        "metrics_address", "ingest_processes",  # for ingest alone
        "ui_hosts", "ui_operator_password", "ui_viewer_password",  # for the web server alone
        "analyst_user", "analyst_password",  # `accounts` makes all logins
        "spark_gateway", "spark_driver_memory", "spark_driver_host",  # a driver on this machine
    }  # fmt: skip
    wanted = {variable(name) for name in Settings.model_fields.keys() - set_elsewhere}

    for service in ("code-location", "webserver", "daemon", "metrics", "cli"):
        assert wanted - SERVICES[service]["environment"].keys() == set(), service
    stores = {name for name in wanted if re.match("RECRUIT_(KAFKA|CASSANDRA|MYSQL|FIRST|RETENTION|PRIVACY|MAX)_", name)}
    for service in ("schema", "ingest", "accounts"):
        assert stores - SERVICES[service]["environment"].keys() == set(), service


def test_the_instance_differs_from_the_local_one_only_where_docker_does() -> None:
    """The build of the image merges the files in the same way."""
    local, own = ROOT / "dagster.yaml", DOCKER / "dagster.yaml"
    instance = dg.config_from_files([str(local), str(own)])

    assert instance.keys() ^ dg.config_from_files([str(local)]).keys() == {"storage", "compute_logs"}
    assert instance["run_launcher"] == INSTANCE["run_launcher"]
    assert INSTANCE.keys() == {"storage", "compute_logs", "run_launcher"}


def test_no_version_is_locked_twice() -> None:
    """Otherwise the image could have other versions than those that were tested."""
    names = [
        line.partition("==")[0] for lock in LOCKS for line in (ROOT / lock).read_text().splitlines() if "==" in line
    ]

    assert len(names) == len(set(names))


def test_mounted_files_exist() -> None:
    mounts = [mount for one in SERVICES.values() for mount in one.get("volumes", ()) if mount.startswith("./")]

    assert len(mounts) == 4
    assert [mount for mount in mounts if not (DOCKER / mount.split(":")[0]).exists() or not mount.endswith(":ro")] == []


def test_grafana_has_the_variables_that_its_provisioning_uses() -> None:
    files = [file for file in PROVISIONING.rglob("*") if file.is_file()]
    used = {name for file in files for name in re.findall(r"\$\{?([A-Z_]+)", file.read_text(encoding="utf-8"))}
    given = SERVICES["grafana"]["environment"]
    mounted = {mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]}
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "recruit.yaml").read_text())["providers"]

    assert used
    assert used - given.keys() == set()
    assert given["RECRUIT_ANALYST_USER"] == USER_PREFIX + "analyst"
    assert provider["options"]["path"] in mounted


def test_prometheus_scrapes_every_service_that_exports_metrics() -> None:
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {one for job in config["scrape_configs"] for each in job["static_configs"] for one in each["targets"]}
    listening = {
        "metrics:" + SERVICES["metrics"]["command"][-1].removeprefix("0.0.0.0:"),
        "ingest:" + SERVICES["ingest"]["environment"]["RECRUIT_METRICS_ADDRESS"].removeprefix("0.0.0.0:"),
    }

    assert targets == listening
    assert SERVICES["grafana"]["environment"]["RECRUIT_PROMETHEUS_URL"] == "http://prometheus:9090"


@needs_compose
def test_compose_accepts_a_completed_example(tmp_path: Path) -> None:
    assert errors_of_compose(tmp_path / "env", without="") == ""


@needs_compose
@pytest.mark.parametrize("missing", SECRETS)
def test_compose_names_a_missing_secret_in_one_line(missing: str, tmp_path: Path) -> None:
    (line,) = errors_of_compose(tmp_path / "env", without=missing).splitlines()

    assert f"required variable {missing} is missing a value: set it in docker/.env, see .env.example" in line


def errors_of_compose(env_file: Path, *, without: str) -> str:
    """What compose prints about an example that has all secrets but one."""
    secrets = "".join(f"{name}=1\n" for name in SECRETS if name != without)
    env_file.write_text(EXAMPLE + secrets, encoding="utf-8")
    files = ["-f", str(DOCKER / "compose.yaml"), "--env-file", str(env_file)]
    command = ["docker", "compose", *files, "--profile", "*", "config", "--quiet"]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr
