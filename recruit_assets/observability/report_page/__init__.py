"""The report as one HTML page that needs nobody's server: plots, tables, freshness and what the last audit said.

Belongs here: `write_page`, the plots and the template. Not here: what is summed up (`stores.report_summary`), what
Prometheus is told (`platform_metrics`).
"""

from recruit_assets.observability.report_page.write import write_page

__all__ = ["write_page"]
