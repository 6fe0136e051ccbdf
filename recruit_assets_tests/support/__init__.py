"""Builders, store readers and waiting, for all tests. Fixtures are in `conftest`."""
