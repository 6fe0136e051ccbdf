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
from pydantic import SecretStr
from typer.main import get_command

from recruit_assets.cli.main import app
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
ENDS = {"accounts", "dagster-accounts", "schema", "cli"}
"""Services that end when their work is done."""
USE_SPARK = {"spark-master", "spark-worker", "spark-connect", "cli"}
RUN_SECRETS = SERVICES["cli"]["secrets"]
"""A command and a run have the same."""
GIVEN_BY_COMPOSE = {"COMPOSE_PROJECT_NAME"}
REQUIRED = [found["name"] for found in VARIABLE.finditer("".join(COMPOSE["x-required"]))]
SECRETS = [name for name in COMPOSE["secrets"] if name not in ("pip_conf", "maven_settings")]
SECRET_SETTINGS = {variable(name) for name, field in Settings.model_fields.items() if field.annotation is SecretStr}


def variables() -> dict[str, str]:
    """For each variable with a default, the text after its name: `:-default`."""
    found = {found["name"]: found["rest"] for found in VARIABLE.finditer(TEXT) if found["rest"]}
    return {name: rest for name, rest in found.items() if name not in REQUIRED}


needs_compose = pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="there is no Docker Compose on this machine",
)


def test_every_image_has_a_version() -> None:
    images = {name: VARIABLE.sub(lambda found: found["rest"][2:], one["image"]) for name, one in SERVICES.items()}

    assert [name for name, image in images.items() if not re.search(r":v?\d+\.\d+\.\d+$", image)] == []


def test_nothing_starts_without_what_prepare_makes() -> None:
    named = {found["name"] for found in VARIABLE.finditer(TEXT)}

    assert REQUIRED == ["SECRETS_FOLDER", "DOCKER_GID"]
    assert [name for name in REQUIRED if f"\n{name}=\n" not in EXAMPLE] == []
    assert [name for name in named - set(REQUIRED) - GIVEN_BY_COMPOSE if name not in variables()] == []


def test_no_secret_is_in_the_environment_of_a_container() -> None:
    """`docker inspect` shows it, also when the container has stopped."""
    given = {(name, variable) for name, one in SERVICES.items() for variable in one.get("environment", {})}

    assert {(name, variable) for name, variable in given if variable in SECRET_SETTINGS} == set()
    named = {(name, variable) for name, variable in given if re.search("PASSWORD|SECRET|KEY(_|$)", variable)}
    assert {variable for _, variable in named if not variable.endswith("_FILE")} == set()
    assert not re.search("PASSWORD", "".join(found["name"] for found in VARIABLE.finditer(TEXT)))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_files_that_its_variables_name_and_no_others(name: str) -> None:
    service = SERVICES[name]
    named = re.findall(r"/run/secrets/([a-z_]+)", str([service.get("environment"), service.get("entrypoint")]))
    # Dagster's storage is configured in dagster.yaml; the proxy's variables are the runs', whose files it mounts
    implied = {"dagster_mysql_password"} if uses_dagsters_database(name) else set()
    # Spark looks for this file by itself; code location and metrics have the secrets of runs, and don't reach Spark
    spark = {"spark-defaults.conf"} if name in USE_SPARK or service.get("secrets") == RUN_SECRETS else set()

    assert set(service.get("secrets", ())) == (set() if name == "docker-proxy" else {*named, *implied, *spark})


def test_a_run_has_the_files_that_its_variables_name() -> None:
    mounts = [each for each in SERVICES["docker-proxy"]["command"] if "/run/secrets/" in each]
    wanted = [f"--mount=${{SECRETS_FOLDER}}/{name}:/run/secrets/{name}:ro" for name in RUN_SECRETS]

    assert mounts == wanted
    assert SERVICES["docker-proxy"]["environment"] == SERVICES["cli"]["environment"]


def test_ports_are_published_on_the_loopback_only() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert [port for ports in published.values() for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_no_privileges_and_a_health_check(name: str) -> None:
    service = SERVICES[name]

    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert ("healthcheck" in service) != (name in ENDS | {"simulator"})
    assert service["restart"] == ({"cli": "no"}.get(name, "on-failure") if name in ENDS else "unless-stopped")


def test_only_the_services_that_create_users_are_root_in_mysql() -> None:
    logins = {name: one.get("environment", {}).get("RECRUIT_MYSQL_USER") for name, one in SERVICES.items()}

    assert [name for name, login in logins.items() if login == "root"] == ["accounts", "dagster-accounts"]


def uses_dagsters_database(name: str) -> bool:
    return "dagster" in SERVICES[name]["networks"] and name not in ("dagster-db", "dagster-accounts")


def members_of(network: str) -> set[str]:
    return {name for name, one in SERVICES.items() if network in one["networks"]}


def test_only_what_uses_it_shares_a_network_with_what_executes_what_it_is_sent() -> None:
    assert members_of("spark") == USE_SPARK | {"cassandra", "mysql"}
    assert members_of("code") == {"code-location", "webserver", "daemon"}
    assert members_of("launcher") == {"docker-proxy", "webserver", "daemon"}
    assert SERVICES["docker-proxy"]["networks"] == ["launcher"]


def test_only_dagsters_own_services_reach_its_database() -> None:
    users = {"code-location", "webserver", "daemon", "metrics", "cli"}
    given = {name for name, one in SERVICES.items() if "dagster_mysql_password" in one.get("secrets", ())}

    assert members_of("dagster") == users | {"dagster-db", "dagster-accounts"}
    assert given == users | {"dagster-accounts"}
    assert SERVICES["dagster-db"]["networks"] == ["dagster"]


def test_webserver_and_daemon_reach_no_store_and_grafana_only_the_report() -> None:
    assert {"prometheus", "grafana", "webserver", "daemon", "docker-proxy"} & members_of("stores") == set()
    assert members_of("report") == {"mysql", "grafana"}
    assert [name for name, one in NETWORKS.items() if one] == ["dagster", "code", "launcher"]
    assert [one for one in NETWORKS.values() if one not in (None, {"internal": True})] == []


def test_the_code_location_listens_on_its_own_network_only() -> None:
    location = SERVICES["code-location"]
    (alias,) = location["networks"]["code"]["aliases"]
    workspace = yaml.safe_load((DOCKER / "workspace.yaml").read_text(encoding="utf-8"))

    assert location["command"][:5] == ["dagster", "api", "grpc", "-h", alias]
    assert workspace["load_from"][0]["grpc_server"]["host"] == alias


def test_only_the_proxy_has_dockers_socket_and_the_launcher_asks_the_proxy() -> None:
    with_socket = [name for name, one in SERVICES.items() if "docker.sock" in str(one.get("volumes"))]
    asking = {name for name, one in SERVICES.items() if "DOCKER_HOST" in one.get("environment", {})}

    assert with_socket == [name for name, one in SERVICES.items() if "group_add" in one] == ["docker-proxy"]
    assert asking == {"webserver", "daemon"}
    assert {SERVICES[name]["environment"]["DOCKER_HOST"] for name in asking} == {"tcp://docker-proxy:2375"}
    # what it configured about containers would be refused
    assert INSTANCE["run_launcher"]["config"] == {"container_kwargs": {"stop_timeout": 30}}


def test_the_proxy_makes_containers_of_our_image_on_the_networks_of_runs() -> None:
    _, name, *options = SERVICES["docker-proxy"]["command"]
    command = get_command(app).commands[name]  # type: ignore[attr-defined]  # the app is a group
    given = command.make_context(name, [each.replace("${CPU_LIMIT:-2}", "2") for each in options]).params

    assert given["image"] == COMPOSE["x-own"]["image"]
    assert given["image"] == SERVICES["code-location"]["environment"]["DAGSTER_CURRENT_IMAGE"]
    project = "${COMPOSE_PROJECT_NAME}_"
    assert list(given["network"]) == [project + each for each in ("spark", "stores", "dagster")]


def test_the_published_port_of_dagster_asks_for_a_login() -> None:
    given = {name for name, one in SERVICES.items() if "recruit_ui_operator_password" in one.get("secrets", ())}

    assert given == {"webserver"}
    assert SERVICES["webserver"]["command"][:3] == ["recruit-assets", "webserver", "--require-login"]


def test_the_collector_has_no_login_but_kafkas() -> None:
    """Anybody may send to it."""
    given = SERVICES["collect"]["environment"]

    assert [name for name in given if not re.match("RECRUIT_(KAFKA|COLLECT|MAX)_", name)] == []


def test_no_command_holds_a_secret() -> None:
    assert [name for name, one in SERVICES.items() if "PASSWORD" in str(one.get("command"))] == []


def test_every_variable_is_in_the_example_with_its_default() -> None:
    wanted = {
        name: "" if name.endswith(("CONF", "SETTINGS")) else rest.lstrip(":-") for name, rest in variables().items()
    }

    assert [name for name, default in wanted.items() if f"\n#{name}={default}" not in EXAMPLE] == []


def test_every_setting_reaches_runs_and_commands() -> None:
    set_elsewhere = {
        "state_dir", "cache_dir",  # in the image
        "metrics_address", "ingest_processes",  # for ingest alone
        "collect_origins", "collect_rate", "collect_proxies",  # for the collector alone
        "ui_hosts", "ui_operator_password", "ui_viewer_password",  # for the web server alone
        "analyst_user", "analyst_password",  # `accounts` makes all logins
        "spark_gateway", "spark_driver_memory", "spark_driver_host",  # a driver on this machine
    }  # fmt: skip
    wanted = {variable(name) for name in Settings.model_fields.keys() - set_elsewhere}
    stores = {name for name in wanted if re.match("RECRUIT_(KAFKA|CASSANDRA|MYSQL|FIRST|RETENTION|PRIVACY|MAX)_", name)}

    for service in ("code-location", "docker-proxy", "metrics", "cli"):
        assert wanted - settings_of(service) == set(), service
    for service in ("schema", "ingest", "simulator"):
        assert stores - settings_of(service) == set(), service


def settings_of(service: str) -> set[str]:
    """The settings that the service has, in its environment or in a file."""
    return {name.removesuffix("_FILE") for name in SERVICES[service]["environment"]}


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
    exported = re.findall(r"export ([A-Z_]+)=", SERVICES["grafana"]["entrypoint"][-1])
    given = SERVICES["grafana"]["environment"] | dict.fromkeys(exported, "")
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that docker/prepare fills. On this host, the members of group 999 may use Docker."""
    (tmp_path / ".env").write_text(f"{EXAMPLE}\nDOCKER_GID=999\n", encoding="utf-8")
    prepare(tmp_path)
    return tmp_path


def prepare(folder: Path) -> None:
    subprocess.run(["sh", str(DOCKER / "prepare"), str(folder)], check=True, capture_output=True)


def values_in(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (folder / "secrets").iterdir()}


def test_prepare_makes_every_secret_and_a_second_time_changes_nothing(folder: Path) -> None:
    made = values_in(folder)
    before = (folder / ".env").read_text()

    prepare(folder)

    assert made.keys() == {*SECRETS, "spark_secret"}
    for_spark = made.pop("spark-defaults.conf")
    assert for_spark == f"spark.authenticate true\nspark.authenticate.secret {made['spark_secret']}\n"
    passwords = [value for value in made.values() if value]
    assert len(passwords) == len(set(passwords)) == 10
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in passwords)
    assert values_in(folder) == made | {"spark-defaults.conf": for_spark}
    assert (folder / ".env").read_text() == before
    assert f"\nSECRETS_FOLDER={folder}/secrets\n" in before


def test_prepare_keeps_other_users_of_the_host_out(folder: Path) -> None:
    """The files themselves are readable: each container has a user of its own."""
    (folder / "secrets").chmod(0o755)

    prepare(folder)

    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (folder / "secrets").iterdir()} == {0o644}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("plain", "plain"),
        ("with=sign#1", "with=sign#1"),
        ("plain   # of the analysts", "plain"),
        ("'in single # quotes'", "in single # quotes"),
        ('"in double quotes"', "in double quotes"),
    ],
)
def test_prepare_takes_what_the_environment_file_gives(line: str, value: str, folder: Path) -> None:
    """As Compose reads it. An installation that had its passwords there keeps them."""
    before = values_in(folder)
    with (folder / ".env").open("a") as file:
        file.write(f"RECRUIT_ANALYST_PASSWORD={line}\n")

    prepare(folder)

    assert values_in(folder) == before | {"recruit_analyst_password": value}


def test_prepare_without_docker_names_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(["sh", str(DOCKER / "prepare"), str(tmp_path)], capture_output=True, text=True, check=False)

    if Path("/var/run/docker.sock").exists():
        assert done.returncode == 0
    else:
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "set DOCKER_GID in" in done.stderr


@needs_compose
def test_compose_accepts_what_prepare_makes(folder: Path) -> None:
    assert errors_of_compose(folder, without="") == ""


@needs_compose
@pytest.mark.parametrize("missing", REQUIRED)
def test_compose_names_a_missing_variable_in_one_line(missing: str, folder: Path) -> None:
    (line,) = errors_of_compose(folder, without=missing).splitlines()

    assert f"required variable {missing} is missing a value: run docker/prepare, which sets it in docker/.env" in line


def errors_of_compose(folder: Path, *, without: str) -> str:
    """What compose prints with the folder's environment file but for one variable."""
    env_file = folder / "without-one"
    lines = (folder / ".env").read_text(encoding="utf-8")
    env_file.write_text(re.sub(f"(?m)^{without}=.*", f"{without}=", lines) if without else lines)
    files = ["-f", str(DOCKER / "compose.yaml"), "--env-file", str(env_file)]
    command = ["docker", "compose", *files, "--profile", "*", "config", "--quiet"]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr
