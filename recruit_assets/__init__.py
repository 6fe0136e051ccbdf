"""An asset-based data platform for recruitment-site events: Kafka to Cassandra to Spark to an hourly report in MySQL.

Importing the package opens nothing and loads neither Dagster nor Spark; start at `definitions` or `cli`.
"""

__version__ = "0.1.0"
"""The only place of the version: setup.py, `recruit-assets --version` and `make release` read it here."""
