"""`recruit-assets collect`: takes events over HTTP."""

import typer

from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import load_settings

GRACE_S = 20
"""Longer than a request waits for Kafka."""


def collect(
    host: str = typer.Option("127.0.0.1", help="Address to listen on"),
    port: int = typer.Option(8090, min=1, max=65535, help="Port to listen on"),
) -> None:
    """Take events from web pages until SIGTERM or Ctrl-C, and answer each request once Kafka has its events.

    It needs Kafka only. docs/collector.md has the requests, and what to put into a page.
    """
    import uvicorn

    from recruit_assets.collector.app import collector_app
    from recruit_assets.stores.kafka.clients import open_admin
    from recruit_assets.stores.kafka.confirmed_sender import open_confirmed_sender
    from recruit_assets.stores.kafka.topics import identify

    settings = load_settings()
    with open_admin(settings) as admin, open_confirmed_sender(settings) as sender:
        app = collector_app(settings, sender, lambda: identify(admin, settings.kafka_topic))
        echo(f"collecting at http://{host_port(host, port)}")
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="off",
            forwarded_allow_ips=settings.collect_proxies,
            timeout_graceful_shutdown=GRACE_S,
        )
