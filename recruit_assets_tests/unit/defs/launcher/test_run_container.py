"""What a run's container is made of, and what the launcher may not ask for."""

from collections.abc import Mapping
from typing import Any

import pytest

from recruit_assets.defs.launcher.run_container import Refused, RunContainer, parse_memory, parse_mount
from recruit_assets.runtime.errors import UserError

CONTAINER = RunContainer(
    image="recruit:1",
    owner="recruit",
    networks=["spark", "stores"],
    mounts=[parse_mount("/certificates:/tls:ro"), parse_mount("/tmp")],
    environment=["RECRUIT_MYSQL_HOST=mysql"],
    memory_bytes=parse_memory("1g"),
    cpus=1.5,
)
REQUEST: Mapping[str, Any] = {
    "Image": "recruit:1",
    "Cmd": ["dagster", "api", "execute_run", "{}"],
    "Env": ["DAGSTER_RUN_JOB_NAME=hourly"],
    "Labels": {"dagster/run_id": "1", "dagster/job_name": "hourly"},
    "HostConfig": {"NetworkMode": "default"},
    # what the client of Docker sends besides
    "Hostname": None, "Tty": False, "Volumes": None, "NetworkingConfig": None, "AttachStdout": False,
}  # fmt: skip


def test_a_container_is_made_as_the_options_say() -> None:
    assert CONTAINER.created_for(REQUEST) == {
        "Image": "recruit:1",
        "Cmd": ["dagster", "api", "execute_run", "{}"],
        "Env": ["RECRUIT_MYSQL_HOST=mysql", "DAGSTER_RUN_JOB_NAME=hourly"],
        "Labels": {"dagster/run_id": "1", "dagster/job_name": "hourly", "recruit/owner": "recruit"},
        "HostConfig": {
            "NetworkMode": "spark",
            "Mounts": [
                {"Type": "bind", "Source": "/certificates", "Target": "/tls", "ReadOnly": True},
                {"Type": "volume", "Target": "/tmp", "ReadOnly": False},
            ],
            "Memory": 2**30,
            "NanoCpus": 1_500_000_000,
            "PidsLimit": 1024,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}},
            "AutoRemove": True,
            "Init": True,
        },
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Image", "other:1"),
        ("Image", "recruit:1 "),
        ("Image", None),
        ("Cmd", ["bash", "-c", "id"]),
        ("Cmd", ["dagster", "api", "execute_run"]),
        ("Cmd", ["dagster", "api", "execute_run", "{}", "more"]),
        ("Cmd", ["dagster", "api", "execute_run", 1]),
        ("Cmd", "dagster api execute_run {}"),
        ("Env", ["LD_PRELOAD=/tmp/x.so"]),
        ("Env", ["DAGSTER_RUN_JOB_NAME=a", "RECRUIT_MYSQL_HOST=elsewhere"]),
        ("Env", "DAGSTER_RUN_JOB_NAME=a"),
        ("Labels", {"recruit/owner": "other"}),
        ("Labels", {"dagster/run_id": 1}),
        ("Labels", ["dagster/run_id"]),
        ("Entrypoint", ["bash"]),
        ("User", "root"),
        ("WorkingDir", "/"),
        ("Volumes", {"/data": {}}),
        ("ExposedPorts", {"80/tcp": {}}),
        ("Healthcheck", {"Test": ["CMD", "id"]}),
        ("NetworkingConfig", {"EndpointsConfig": {"host": {}}}),
        ("Runtime", "other"),
        ("hostconfig", {"Privileged": True}),  # Docker would take it: its names have no case
        ("Unknown", 1),
    ],
)
def test_another_field_is_refused_and_named(field: str, value: object) -> None:
    with pytest.raises(Refused, match=f"^{field} isn't what a run needs"):
        CONTAINER.created_for({**REQUEST, field: value})


@pytest.mark.parametrize(
    "host_config",
    [
        {"Privileged": True},
        {"Binds": ["/:/host"]},
        {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
        {"NetworkMode": "host"},
        {"NetworkMode": "container:abc"},
        {"NetworkMode": "default", "PidMode": "host"},
        {"IpcMode": "host"},
        {"UTSMode": "host"},
        {"UsernsMode": "host"},
        {"CgroupnsMode": "host"},
        {"CapAdd": ["SYS_ADMIN"]},
        {"Devices": [{"PathOnHost": "/dev/sda"}]},
        {"DeviceRequests": [{"Count": -1}]},
        {"SecurityOpt": ["apparmor=unconfined"]},
        {"VolumesFrom": ["mysql"]},
        {"PortBindings": {"80/tcp": [{}]}},
        {"Memory": 0},
        "text",
    ],
)
def test_nothing_of_the_host_can_be_asked_for(host_config: object) -> None:
    with pytest.raises(Refused, match=r"^HostConfig isn't what a run needs"):
        CONTAINER.created_for({**REQUEST, "HostConfig": host_config})


@pytest.mark.parametrize("request_", [None, [], "text", 1])
def test_a_request_is_an_object(request_: object) -> None:
    with pytest.raises(Refused, match=r"isn't a JSON object"):
        CONTAINER.created_for(request_)


@pytest.mark.parametrize("missing", ["Image", "Cmd", "Env", "Labels"])
def test_a_request_names_its_run(missing: str) -> None:
    with pytest.raises(Refused, match=f"^{missing} isn't what a run needs"):
        CONTAINER.created_for({name: value for name, value in REQUEST.items() if name != missing})


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("logs:/opt/logs", {"Type": "volume", "Source": "logs", "Target": "/opt/logs", "ReadOnly": False}),
        ("/a b:/c:ro", {"Type": "bind", "Source": "/a b", "Target": "/c", "ReadOnly": True}),
        ("/tmp", {"Type": "volume", "Target": "/tmp", "ReadOnly": False}),
    ],
)
def test_a_mount_has_source_target_and_mode(text: str, mount: Mapping[str, object]) -> None:
    assert parse_mount(text) == mount


@pytest.mark.parametrize("text", ["", "tmp", "logs:opt", "a:/b:rw", ":"])
def test_another_mount_is_an_error(text: str) -> None:
    with pytest.raises(UserError, match=r"^--mount .*must be SOURCE:TARGET"):
        parse_mount(text)


@pytest.mark.parametrize("text", ["", "1", "1G", "1.5g", "g", "-1m"])
def test_memory_has_a_unit(text: str) -> None:
    with pytest.raises(UserError, match=r"^--memory .*such as 512m"):
        parse_memory(text)
