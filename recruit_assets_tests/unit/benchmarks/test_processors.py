"""What is told of the processors' use adds up and names the busiest first."""

import os

import pytest

from benchmarks.processors import told


def test_the_busiest_is_named_first_and_who_hardly_works_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    found = told({"kafka": 0.25, "cassandra": 1.0, "mariadb": 0.001})

    assert found == "processors in use: 1.25 of 2 (cassandra 1.00, kafka 0.25)"
