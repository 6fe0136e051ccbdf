"""Kafka, Cassandra, MySQL, Spark and Dagster's storage: connections, schemas, and the only write path of each table."""
