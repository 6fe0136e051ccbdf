"""`recruit-assets metrics`: serves the platform's metrics to Prometheus."""

import typer

from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import load_settings

ADDRESS = "127.0.0.1:9464"


def metrics(
    address: str = typer.Option(ADDRESS, help="host:port to listen on (RECRUIT_METRICS_ADDRESS is for ingest)"),
) -> None:
    """Serve metrics to Prometheus until SIGTERM or Ctrl-C: freshness, pending hours, lag, dead letters, runs, checks.

    Each scrape reads the stores; a store that doesn't answer within 5 s has recruit_up 0.
    """
    from prometheus_client import CollectorRegistry

    from recruit_assets.defs.checks import CHECK_KEYS
    from recruit_assets.defs.jobs import JOBS
    from recruit_assets.observability.metrics import PlatformCollector, platform_sources
    from recruit_assets.runtime.metrics_server import serve_metrics
    from recruit_assets.runtime.signals import stop_on_signals
    from recruit_assets.stores.dagster.instance import open_instance

    settings = load_settings()
    with stop_on_signals() as stop, open_instance(settings) as instance:
        jobs = [job.name for job in JOBS]
        collector = PlatformCollector(platform_sources(settings, instance, jobs=jobs, checks=CHECK_KEYS))
        registry = CollectorRegistry()
        registry.register(collector)
        port = serve_metrics(registry, address)
        echo(f"metrics are served on port {port}")
        stop.wait()
        collector.close()
