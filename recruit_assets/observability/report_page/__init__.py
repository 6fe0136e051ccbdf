"""The report as one HTML page that needs no server: plots, tables, freshness, checks and the last audit."""

from recruit_assets.observability.report_page.write import write_page

__all__ = ["write_page"]
