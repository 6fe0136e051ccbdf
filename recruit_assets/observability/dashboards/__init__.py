"""Grafana's dashboards and alert rules as code.

`python -m recruit_assets.observability.dashboards` writes docker/grafana.

A test compares the files with what this package makes.
"""
