"""The rules about events: decoding, validation, bucketing, counting. No readers, writers, clocks, Dagster or drivers."""
