"""Kafka to Cassandra: the loop and its end, batches, offsets, dead letters. No Dagster, no Spark, no driver."""
