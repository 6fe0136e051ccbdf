"""Kafka, Cassandra and MariaDB as local processes: for the demo, the tests and a developer's machine.

Belongs here: ports, configuration, starting, stopping, finding out what went wrong. Not here: schema and data
(`stores`), where the programs come from (`artifacts`). They listen on 127.0.0.1 and live in the state directory.
"""
