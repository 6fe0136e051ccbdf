"""The rules about events: decoding, validating, bucketing, counting. No readers, writers, clocks, Dagster, drivers."""
