"""The container of a run in Docker: what the launcher may ask for, and what it gets.

Dagster takes a container's image, mounts and privileges from its database. Whoever could write there would own the
host, so a request says only which run to execute, and all else is decided here. See `docker_proxy`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recruit_assets.runtime.errors import UserError

OWNER_LABEL = "recruit/owner"
"""On each container of a run: the platform that it belongs to."""
COMMAND = ["dagster", "api", "execute_run"]
"""It has one argument, which names the run."""
VARIABLE = "DAGSTER_RUN_JOB_NAME="
LABELS = {"dagster/run_id", "dagster/job_name"}
NO_HOST_CONFIG: tuple[dict[str, str], ...] = ({}, {"NetworkMode": "default"})
"""The second is what the client of Docker sends when it is told nothing."""
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


class Refused(Exception):
    """A request that isn't one of the launcher's; the message names the field."""


@dataclass(frozen=True, slots=True)
class RunContainer:
    """How the container of each run is made: in the first of its networks, and then connected to the others."""

    image: str
    owner: str
    networks: Sequence[str]
    mounts: Sequence[Mapping[str, Any]]
    environment: Sequence[str]
    memory_bytes: int
    cpus: float

    def created_for(self, request: object) -> dict[str, Any]:
        """The body of Docker's create request in place of the launcher's; Refused if that asks for anything else."""
        asked = _checked(request, image=self.image)
        return {
            "Image": self.image,
            "Cmd": asked["Cmd"],
            "Env": [*self.environment, *asked["Env"]],
            "Labels": {**asked["Labels"], OWNER_LABEL: self.owner},
            "HostConfig": self._host_config(),
        }

    def _host_config(self) -> dict[str, Any]:
        return {
            "NetworkMode": self.networks[0],
            "Mounts": list(self.mounts),
            "Memory": self.memory_bytes,
            "NanoCpus": int(self.cpus * 1e9),
            "PidsLimit": 1024,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}},
            "AutoRemove": True,
            "Init": True,
        }


def _checked(request: object, *, image: str) -> Mapping[str, Any]:
    """The request, if it has no other fields than those that name a run. What is empty or false asks for nothing."""
    if not isinstance(request, dict):
        raise Refused("the request isn't a JSON object")
    asked = {name: value for name, value in request.items() if value}
    required = {
        "Image": asked.get("Image") == image,
        "Cmd": _is_texts(asked.get("Cmd")) and asked["Cmd"][:-1] == COMMAND,
        "Env": _is_texts(asked.get("Env")) and all(each.startswith(VARIABLE) for each in asked["Env"]),
        "Labels": isinstance(asked.get("Labels"), dict)
        and asked["Labels"].keys() <= LABELS
        and _is_texts(list(asked["Labels"].values())),
        "HostConfig": asked.get("HostConfig", {}) in NO_HOST_CONFIG,
    }
    for name in [*required, *asked]:
        if not required.get(name):
            raise Refused(f"{name} isn't what a run needs: {str(request.get(name))[:200]}")
    return asked


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def parse_mount(text: str) -> dict[str, Any]:
    """Docker's mount for SOURCE:TARGET, SOURCE:TARGET:ro or TARGET; UserError if it is none of these.

    A source with a slash is a path of the host, another one a volume. Without a source, the volume is the container's
    own and goes with it.
    """
    source, _, rest = text.rpartition(":/")
    target, _, mode = (f"/{rest}" if source else text).partition(":")
    if not target.startswith("/") or mode not in ("", "ro"):
        raise UserError(f"--mount {text}: must be SOURCE:TARGET, SOURCE:TARGET:ro or TARGET, with absolute paths")
    kind = "bind" if source.startswith("/") else "volume"
    return {"Type": kind, "Target": target, "ReadOnly": mode == "ro"} | ({"Source": source} if source else {})


def parse_memory(text: str) -> int:
    """Bytes of 512m, 1g and so on; UserError for another text."""
    if not re.fullmatch(r"\d+[kmg]", text):
        raise UserError(f"--memory {text}: must be a number and k, m or g, such as 512m")
    return int(text[:-1]) * UNITS[text[-1]]
