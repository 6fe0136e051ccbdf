"""Benchmarks on real engines against other tools (the peers). `make bench` runs them; they aren't tests."""
