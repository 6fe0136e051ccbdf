"""The platform's figures for Prometheus, asked of the stores whenever it scrapes. docs/operators.md lists them.

Belongs here: `PlatformCollector`, which survives stores that don't answer, and what each store is asked. Not here: what
one ingest process counts (`ingest.metrics`), alerts without a Prometheus (`sensors.alerts`).
"""

from recruit_assets.observability.metrics.collector import PlatformCollector
from recruit_assets.observability.metrics.sources import platform_sources

__all__ = ["PlatformCollector", "platform_sources"]
