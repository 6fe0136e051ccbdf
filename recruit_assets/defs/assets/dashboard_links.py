"""Links from the assets to the Grafana dashboards that show them, if RECRUIT_GRAFANA_URL is set."""

from collections.abc import Sequence
from functools import partial

import dagster as dg

from recruit_assets.observability.dashboards.budgets import BUDGETS
from recruit_assets.observability.dashboards.document import Dashboard
from recruit_assets.observability.dashboards.health import HEALTH
from recruit_assets.observability.dashboards.performance import PERFORMANCE
from recruit_assets.observability.dashboards.quality import QUALITY

SHOWN = {
    "kafka_topic": (HEALTH,),
    "raw_events": (HEALTH,),
    "mysql_report": (PERFORMANCE, BUDGETS, HEALTH),
    "click_quality": (QUALITY,),
}


def with_dashboards(
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec], grafana_url: str
) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The same assets, with a link to each of their dashboards; unchanged if there is no Grafana."""
    return dg.map_asset_specs(partial(_linked, grafana_url=grafana_url), assets) if grafana_url else assets


def _linked(spec: dg.AssetSpec, *, grafana_url: str) -> dg.AssetSpec:
    shown = SHOWN.get(spec.key.to_user_string(), ())
    return spec.merge_attributes(metadata={one.title: _link(one, grafana_url) for one in shown})


def _link(dashboard: Dashboard, grafana_url: str) -> dg.UrlMetadataValue:
    return dg.MetadataValue.url(f"{grafana_url.rstrip('/')}/d/{dashboard.uid}")
