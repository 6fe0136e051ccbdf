"""The HTTP endpoint that Prometheus scrapes."""

from prometheus_client import CollectorRegistry, start_http_server

from recruit_assets.runtime.errors import UserError

LOCAL = "127.0.0.1"


def serve_metrics(registry: CollectorRegistry, address: str, *, add_to_port: int = 0) -> int:
    """Serve the registry in a background thread and return the port; port 0 chooses a free one.

    UserError if it can't listen there.
    """
    host, _, port = address.rpartition(":")
    try:
        server, _ = start_http_server(int(port) + add_to_port, addr=(host or LOCAL).strip("[]"), registry=registry)
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"metrics can't be served at {address} (port + {add_to_port}): {error}") from error
    return server.server_port
