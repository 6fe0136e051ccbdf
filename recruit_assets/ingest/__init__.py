"""Kafka to Cassandra: the loop and its stop, batches and acknowledgements, offsets, dead letters. No Dagster, no Spark."""
