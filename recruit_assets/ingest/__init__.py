"""Kafka to Cassandra: batches, offsets, dead letters, and when the loop ends. Uses no Dagster, Spark or driver."""
