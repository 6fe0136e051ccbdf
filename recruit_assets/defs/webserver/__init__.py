"""Dagster's web server behind checks of host, origin and login: its own has none, and executes what it is sent."""
