"""Grafana's dashboards and alert rules as code.

`python -m recruit_assets.observability.dashboards` writes docker/grafana; a test compares the files with this code.
"""
