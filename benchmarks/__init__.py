"""Benchmarks on real engines, side by side with their peers; `make bench` runs them, none is a test."""
