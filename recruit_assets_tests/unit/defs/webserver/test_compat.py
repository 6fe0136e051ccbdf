"""The private parts of Dagster's web server that our checks are built on."""

from importlib.metadata import version

from recruit_assets.defs.webserver.compat import CHECKED_WITH


def test_it_was_checked_with_the_installed_version() -> None:
    """`test_access.py` shows whether the checks still hold."""
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH
