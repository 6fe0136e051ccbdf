"""Kafka, Cassandra, MySQL and Spark: how each is reached, its schema, and the one write path of each table.

Not here: which hours to write (`pending`), in which order (`stages`), what rows mean (`transforms`).
"""
