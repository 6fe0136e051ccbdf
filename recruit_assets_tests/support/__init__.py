"""Builders, store readers and waiting, for all tests. Not here: fixtures (`conftest`)."""
