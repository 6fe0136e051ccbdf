"""Benchmarks on the real engines; each is a command, none is a test."""
