"""The description of processor use has the total and lists the busiest process first."""

import os

import pytest

from benchmarks.processors import describe_usage


def test_processes_are_listed_by_use_without_idle_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    found = describe_usage({"kafka": 0.25, "cassandra": 1.0, "mariadb": 0.001})

    assert found == "processors in use: 1.25 of 2 (cassandra 1.00, kafka 0.25)"
