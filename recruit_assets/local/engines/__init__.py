"""Kafka, Cassandra, MariaDB and Spark as local processes, for the demo, the tests and development.

They listen on 127.0.0.1 only and keep everything in the state directory.
"""
