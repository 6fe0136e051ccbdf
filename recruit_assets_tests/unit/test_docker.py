"""The compose file and what lies beside it keep their promises: nothing here needs Docker, but for the last test."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCE: dict[str, Any] = yaml.safe_load((DOCKER / "dagster.yaml").read_text(encoding="utf-8"))
EXAMPLE = (DOCKER / ".env.example").read_text(encoding="utf-8")
LOCKS = ("requirements.lock", "requirements-dev.lock")

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
ENDS = {"accounts", "schema", "cli"}
"""Services that do their work and end."""
GIVEN_BY_COMPOSE = {"COMPOSE_PROJECT_NAME"}


def variables() -> dict[str, str]:
    """What follows each variable's name: `:-default`, `:?message`."""
    return {found["name"]: found["rest"] for found in VARIABLE.finditer(TEXT)}


def test_every_image_has_a_version() -> None:
    images = {name: VARIABLE.sub(lambda found: found["rest"][2:], one["image"]) for name, one in SERVICES.items()}

    assert [name for name, image in images.items() if not re.search(r":\d+\.\d+\.\d+$", image)] == []


def test_nothing_starts_without_its_secrets() -> None:
    secret = {name: rest for name, rest in variables().items() if "PASSWORD" in name or name == "DOCKER_GID"}

    assert len(secret) == 7
    assert {rest[:2] for rest in secret.values()} == {":?"}
    assert [name for name in secret if f"\n{name}=\n" not in EXAMPLE] == []


def test_ports_are_published_on_the_loopback_only() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert [port for ports in published.values() for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_limits_and_tells_how_it_is(name: str) -> None:
    service = SERVICES[name]

    assert service["mem_limit"]
    assert service["networks"] == ["platform"]
    assert ("healthcheck" in service) != (name in ENDS | {"simulator"})
    assert service["restart"] == ({"cli": "no"}.get(name, "on-failure") if name in ENDS else "unless-stopped")


def test_only_the_maker_of_users_is_root_in_mysql() -> None:
    logins = {name: one.get("environment", {}).get("RECRUIT_MYSQL_USER") for name, one in SERVICES.items()}

    assert [name for name, login in logins.items() if login == "root"] == ["accounts"]


def test_no_command_holds_a_secret() -> None:
    assert [name for name, one in SERVICES.items() if "PASSWORD" in str(one.get("command"))] == []


def test_every_variable_is_in_the_example_with_its_default() -> None:
    optional = {name: rest for name, rest in variables().items() if not rest.startswith(":?")}

    named = {name for name in optional.keys() - GIVEN_BY_COMPOSE if f"\n#{name}=" in EXAMPLE}
    assert optional.keys() - GIVEN_BY_COMPOSE - named == set()
    wrong = {
        name: rest
        for name, rest in optional.items()
        if name in named and not name.endswith(("CONF", "SETTINGS")) and f"\n#{name}={rest.lstrip(':-')}" not in EXAMPLE
    }
    assert wrong == {}


def test_a_run_gets_all_that_the_daemon_has() -> None:
    names = INSTANCE["run_launcher"]["config"]["env_vars"]

    assert sorted(names) == sorted(SERVICES["daemon"]["environment"])
    assert [name for name in names if "=" in name] == []


def test_the_instance_differs_from_the_local_one_only_where_docker_does() -> None:
    """The image's is made the same way."""
    local, own = ROOT / "dagster.yaml", DOCKER / "dagster.yaml"
    instance = dg.config_from_files([str(local), str(own)])

    assert instance.keys() ^ dg.config_from_files([str(local)]).keys() == {"storage", "compute_logs"}
    assert instance["run_launcher"] == INSTANCE["run_launcher"]
    assert INSTANCE.keys() == {"storage", "compute_logs", "run_launcher"}


def test_no_version_is_locked_twice() -> None:
    """What the image has is what the tests had, since there is only one."""
    names = [
        line.partition("==")[0] for lock in LOCKS for line in (ROOT / lock).read_text().splitlines() if "==" in line
    ]

    assert len(names) == len(set(names))


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no Docker on this machine")
def test_compose_refuses_without_a_password_and_names_it() -> None:
    command = ["docker", "compose", "-f", str(DOCKER / "compose.yaml"), "--env-file", "/dev/null", "config", "--quiet"]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert re.search(r"required variable \w+ is missing a value: set it in docker/.env, see .env.example", done.stderr)
