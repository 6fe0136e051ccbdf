"""`recruit-assets metrics`: the platform's figures for Prometheus, for ever."""

import typer
from rich.console import Console

from recruit_assets.runtime.settings import load_settings

ADDRESS = "127.0.0.1:9464"


def metrics(
    address: str = typer.Option(ADDRESS, help="host:port to listen on; RECRUIT_METRICS_ADDRESS is ingest's own"),
) -> None:
    """Serve the platform's figures to Prometheus: freshness, pending hours, lag, dead letters, last runs and checks.

    The stores are asked at each scrape; one that doesn't answer within 5 s is shown as recruit_up 0. SIGTERM or Ctrl-C
    ends it.
    """
    from prometheus_client import CollectorRegistry

    from recruit_assets.defs.checks import CHECK_KEYS
    from recruit_assets.defs.jobs import JOBS
    from recruit_assets.observability.metrics import PlatformCollector, platform_sources
    from recruit_assets.runtime.metrics_server import serve_metrics
    from recruit_assets.runtime.signals import stop_on_signals
    from recruit_assets.stores.dagster.instance import open_instance

    settings, stop = load_settings(), stop_on_signals()
    with open_instance(settings) as instance:
        jobs = [job.name for job in JOBS]
        collector = PlatformCollector(platform_sources(settings, instance, jobs=jobs, checks=CHECK_KEYS))
        registry = CollectorRegistry()
        registry.register(collector)
        port = serve_metrics(registry, address)
        Console(stderr=True).print(f"metrics are served on port {port}", highlight=False)
        stop.wait()
        collector.close()
