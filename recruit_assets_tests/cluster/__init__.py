"""The lineage on a Spark cluster. Not collected by pytest: `make cluster-test`."""
