"""Grafana's dashboards and alert rules as code.

`python -m recruit_assets.observability.dashboards` writes docker/grafana; a test compares the files with this code.
grafana-foundation-sdk 0.0.21 isn't used: it has no MySQL query, and the same dashboard took more lines with it.
"""
