"""What ingest tells Prometheus. Counters of one process; nothing listens unless RECRUIT_METRICS_ADDRESS is set.

Not here: counting for a run's result (`ingest.result`).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from recruit_assets.runtime.metrics_server import serve_metrics

BATCH_BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class IngestMetrics:
    """The metrics of one ingest process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter("recruit_ingest_records", "Kafka records processed", registry=self.registry)
        self.events = Counter("recruit_ingest_events", "Events durable in Cassandra", registry=self.registry)
        self.dead_letters = Counter(
            "recruit_ingest_dead_letters", "Records refused, by reason", ["reason"], registry=self.registry
        )
        self.gaps = Counter(
            "recruit_ingest_trimmed_records", "Offsets that the topic dropped before ingest", registry=self.registry
        )
        self.rebalances = Counter("recruit_ingest_rebalances", "Changes of assignment", registry=self.registry)
        self.batch_seconds = Histogram(
            "recruit_ingest_batch_seconds",
            "From a batch's first row sent to its offsets committed",
            buckets=BATCH_BUCKETS_S,
            registry=self.registry,
        )
        self.lag = Gauge("recruit_ingest_lag_records", "Records behind the end", ["partition"], registry=self.registry)
        self.last_commit = Gauge(
            "recruit_ingest_last_commit_timestamp_seconds", "When offsets were last committed", registry=self.registry
        )

    def serve(self, address: str, *, process: int = 0) -> None:
        """Listen on host:port + process, if an address is set."""
        if address:
            serve_metrics(self.registry, address, add_to_port=process)
