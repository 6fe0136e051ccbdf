"""The code location: assets, checks, jobs, schedules, sensors and resources put together.

Loading opens no connection and needs no environment variable.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from recruit_assets.defs.assets.dashboard_links import with_dashboards
from recruit_assets.defs.checks import CHECKS
from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.defs.io_managers.conversion_clicks import ConversionClicksIOManager
from recruit_assets.defs.io_managers.days import DaysIOManager
from recruit_assets.defs.io_managers.downstream import DownstreamIOManager
from recruit_assets.defs.io_managers.mysql import MySqlIOManager
from recruit_assets.defs.jobs import ASSETS, JOBS
from recruit_assets.defs.resources import CassandraResource, KafkaResource, MySqlResource, SparkResource
from recruit_assets.defs.resources.base import without_launch_config
from recruit_assets.defs.schedules import SCHEDULES
from recruit_assets.defs.sensors import SENSORS
from recruit_assets.runtime.environment import bypass_proxies_on_loopback, require_own_packages
from recruit_assets.runtime.settings import Settings, load_settings


def build_resources(settings: Settings) -> dict[str, object]:
    """Every resource and IO manager by its key."""
    cassandra, mysql, spark = (
        CassandraResource.from_settings(settings),
        MySqlResource.from_settings(settings),
        SparkResource.from_settings(settings),
    )
    return {
        "kafka": KafkaResource.from_settings(settings),
        "cassandra": cassandra,
        "mysql": mysql,
        "spark": spark,
        "cassandra_io_manager": CassandraIOManager(cassandra=cassandra, spark=spark),
        "mysql_io_manager": MySqlIOManager(cassandra=cassandra, mysql=mysql, spark=spark),
        "days_io_manager": DaysIOManager(cassandra=cassandra, mysql=mysql, spark=spark),
        "downstream_io_manager": DownstreamIOManager(cassandra=cassandra, mysql=mysql, spark=spark),
        "conversion_clicks_io_manager": ConversionClicksIOManager(cassandra=cassandra, mysql=mysql, spark=spark),
        "io_manager": without_launch_config(dg.FilesystemIOManager().get_resource_definition()),  # Dagster's default
    }


def build_defs(
    *,
    settings: Settings | None = None,
    resources: Mapping[str, object] | None = None,
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec] = ASSETS,
    checks: Sequence[dg.AssetChecksDefinition] = CHECKS,
) -> dg.Definitions:
    """The code location; `resources` replaces those of the same key."""
    settings = settings or load_settings()
    return dg.Definitions(
        assets=with_dashboards(assets, settings.grafana_url),
        asset_checks=checks,
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources=build_resources(settings) | dict(resources or {}),
        executor=dg.in_process_executor,  # so that the assets of a run share one Spark session
    )


# for the processes that Dagster starts: code server, runs
bypass_proxies_on_loopback()
require_own_packages()
defs = build_defs()
