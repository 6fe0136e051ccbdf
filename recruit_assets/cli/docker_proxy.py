"""`recruit-assets docker-proxy`: lets Dagster launch runs in Docker, and nothing else."""

import os
from pathlib import Path
from typing import Annotated

import typer

from recruit_assets.runtime.settings import PREFIX


def docker_proxy(
    image: Annotated[str, typer.Option(help="The only image of which containers are made")],
    owner: Annotated[str, typer.Option(help="Label of these containers; others can't be seen or stopped")],
    network: Annotated[list[str], typer.Option(help="A network of each container; repeat it for several")],
    mount: Annotated[
        list[str] | None, typer.Option(help="SOURCE:TARGET[:ro] or TARGET in each container; repeat it for several")
    ] = None,
    memory: str = typer.Option("1g", help="Memory limit of a container"),
    cpus: float = typer.Option(1.0, min=0.01, help="Processors that a container may use"),
    socket: Annotated[Path, typer.Option(help="Docker's socket")] = Path("/var/run/docker.sock"),
    host: str = typer.Option("127.0.0.1", help="Address to listen on"),
    port: int = typer.Option(2375, min=1, max=65535, help="Port to listen on"),
) -> None:
    """Answer the requests to Docker that launch a run, and refuse all others, until SIGTERM or Ctrl-C.

    The requests choose the run only. Each container is made as these options say, with this process's RECRUIT_*
    variables, a read-only root and no privileges.
    """
    import uvicorn

    from recruit_assets.defs.launcher.docker_proxy import DockerSocket, docker_proxy_app
    from recruit_assets.defs.launcher.run_container import RunContainer, parse_memory, parse_mount

    container = RunContainer(
        image=image,
        owner=owner,
        networks=network,
        mounts=[parse_mount(each) for each in mount or ()],
        environment=[f"{name}={value}" for name, value in os.environ.items() if name.startswith(PREFIX) and value],
        memory_bytes=parse_memory(memory),
        cpus=cpus,
    )
    uvicorn.run(docker_proxy_app(DockerSocket(socket), container), host=host, port=port, log_level="warning")
