"""Grafana's dashboards and alert rules as code: `python -m recruit_assets.dashboards` writes docker/grafana anew.

A test compares the files with what this package makes.
"""
