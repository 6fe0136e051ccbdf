"""Prometheus metrics of one ingest process, served only if RECRUIT_METRICS_ADDRESS is set."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from recruit_assets.runtime.metrics_server import serve_metrics

BATCH_BUCKETS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class IngestMetrics:
    """The metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter("recruit_ingest_records", "Kafka records processed", registry=self.registry)
        self.events = Counter("recruit_ingest_events", "Events durable in Cassandra", registry=self.registry)
        self.dead_letters = Counter(
            "recruit_ingest_dead_letters", "Rejected records, by reason", ["reason"], registry=self.registry
        )
        self.gaps = Counter(
            "recruit_ingest_trimmed_records", "Records that retention deleted before ingest", registry=self.registry
        )
        self.rewinds = Counter(
            "recruit_ingest_rewinds",
            "Partitions read again because they lost committed records",
            registry=self.registry,
        )
        self.rebalances = Counter("recruit_ingest_rebalances", "Consumer group rebalances", registry=self.registry)
        self.batch_seconds = Histogram(
            "recruit_ingest_batch_seconds",
            "From a micro-batch's first write to its offset commit",
            buckets=BATCH_BUCKETS_S,
            registry=self.registry,
        )
        self.lag = Gauge("recruit_ingest_lag_records", "Uncommitted records", ["partition"], registry=self.registry)
        self.last_commit = Gauge(
            "recruit_ingest_last_commit_timestamp_seconds", "Time of the last offset commit", registry=self.registry
        )

    def serve(self, address: str, *, process: int = 0) -> None:
        """Listen on host:port, plus the process number, if an address is set."""
        if address:
            serve_metrics(self.registry, address, add_to_port=process)
