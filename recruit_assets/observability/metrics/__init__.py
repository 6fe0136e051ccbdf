"""The platform's metrics for Prometheus, read from the stores at each scrape. docs/operators.md lists them.

An ingest process's own counters are in `ingest.metrics`.
"""

from recruit_assets.observability.metrics.collector import PlatformCollector
from recruit_assets.observability.metrics.sources import platform_sources

__all__ = ["PlatformCollector", "platform_sources"]
