"""The asset graph as the UI shows it, and that loading it needs nothing and opens nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from recruit_assets.definitions import build_defs, defs
from recruit_assets.defs.partitions import DAYS_PER_RUN, HOURS_PER_BACKFILL_RUN
from recruit_assets.runtime.settings import load_settings

GRAPH = {
    "kafka_topic": [],
    "job": [],
    "raw_events": ["kafka_topic"],
    "filtered_events": ["raw_events"],
    "hourly_job_metrics": ["filtered_events"],
    "mysql_report": ["hourly_job_metrics", "job"],
    "daily_job_metrics": ["filtered_events", "hourly_job_metrics", "job"],
    "daily_company_metrics": ["daily_job_metrics"],
}


def test_the_graph_is_the_lineage() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}

    found = {name: sorted(dep.asset_key.to_user_string() for dep in spec.deps) for name, spec in specs.items()}
    assert found == GRAPH


def test_all_assets_are_in_one_group_so_that_the_graph_shows_them() -> None:
    """With several groups, the UI shows only a collapsed box for each."""
    assert {spec.group_name for spec in defs.resolve_all_asset_specs()} == {"recruitment"}


def test_every_asset_has_description_owner_kind_columns_and_guide() -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description
        assert spec.owners == ["team:data-platform"]
        assert spec.kinds
        schema = spec.metadata["dagster/column_schema"]
        assert all(column.description for column in getattr(schema, "value", schema).columns)
        assert str(spec.metadata["docs"].value).startswith(("# For operators", "# For analysts"))


def test_assets_link_to_the_dashboards_where_a_grafana_is_named() -> None:
    linked = build_defs(settings=load_settings(grafana_url="https://grafana.example.com/"))

    links = {spec.key.to_user_string(): _links(spec) for spec in linked.resolve_all_asset_specs()}
    health, performance, budgets = (
        f"https://grafana.example.com/d/recruit-{name}" for name in ("health", "performance", "budgets")
    )
    assert links["mysql_report"] == {
        "Recruitment performance": performance, "Budgets": budgets, "Pipeline health": health,
    }  # fmt: skip
    assert links["raw_events"] == links["kafka_topic"] == {"Pipeline health": health}
    assert not any(_links(spec) for spec in defs.resolve_all_asset_specs())


def _links(spec: dg.AssetSpec) -> dict[str, str | None]:
    found = spec.metadata.items()
    return {name: value.url for name, value in found if isinstance(value, dg.UrlMetadataValue)}


def test_the_lineage_but_raw_events_is_hourly_and_runs_as_one_range() -> None:
    graph = defs.resolve_asset_graph()

    for name in ("filtered_events", "hourly_job_metrics", "mysql_report"):
        node = graph.get(dg.AssetKey(name))
        assert isinstance(node.partitions_def, dg.HourlyPartitionsDefinition)
        assert node.backfill_policy == dg.BackfillPolicy.multi_run(HOURS_PER_BACKFILL_RUN)
    assert graph.get(dg.AssetKey("raw_events")).partitions_def is None


def test_days_are_daily_and_in_no_job_of_hours() -> None:
    graph, repository = defs.resolve_asset_graph(), defs.get_repository_def()
    daily = {dg.AssetKey(name) for name in ("daily_job_metrics", "daily_company_metrics")}

    for key in daily:
        assert isinstance(graph.get(key).partitions_def, dg.DailyPartitionsDefinition)
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.multi_run(DAYS_PER_RUN)
    for job in ("lineage_job", "hours_job"):
        assert not daily & repository.get_job(job).asset_layer.selected_asset_keys


def test_the_report_is_stale_after_a_day_without_a_materialization() -> None:
    policies = {spec.key.to_user_string(): spec.freshness_policy for spec in defs.resolve_all_asset_specs()}

    assert policies["mysql_report"] == dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=6), fail_window=timedelta(hours=25)
    )


def test_jobs_schedules_sensors_and_resources_have_their_names() -> None:
    repository = defs.get_repository_def()

    assert {"lineage_job", "hours_job"} <= {job.name for job in repository.get_all_jobs()}
    assert "daily_6am_schedule" in {one.name for one in repository.schedule_defs}
    assert {"cassandra_cdc_sensor", "daily_metrics_automation", "budget_alert"} <= {
        one.name for one in repository.sensor_defs
    }
    assert set(repository.get_top_level_resources()) == {
        "spark", "kafka", "cassandra", "mysql", "cassandra_io_manager", "mysql_io_manager", "days_io_manager",
        "downstream_io_manager", "conversion_clicks_io_manager", "io_manager",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        ("recruit_assets.definitions", ("apprise",)),
        ("recruit_assets.ingest.service", ("dagster", "pyspark", "apprise")),
        ("recruit_assets.cli.main", ("dagster", "pyspark", "kafka", "cassandra", "apprise")),
    ],
)
def test_a_fresh_interpreter_loads_it_with_an_empty_environment(module: str, unloaded: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {unloaded!r} if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("job", [job.name for job in defs.get_repository_def().get_all_jobs()])
def test_a_launched_run_can_configure_no_resource(job: str) -> None:
    """It could be pointed at another server, and `{"env": ...}` would hand out any variable's value."""
    definition = defs.get_repository_def().get_job(job)

    for resource in defs.resolve_implicit_global_asset_job_def().resource_defs:
        config = {"resources": {resource: {"config": {"host": {"env": "RECRUIT_MYSQL_PASSWORD"}}}}}
        with pytest.raises(dg.DagsterInvalidConfigError, match="unexpected config entry"):
            dg.validate_run_config(definition, config)


@pytest.mark.parametrize("job", [job.name for job in defs.get_repository_def().get_all_jobs()])
def test_no_field_of_a_launch_reads_a_variable(job: str) -> None:
    schema = defs.get_repository_def().get_job(job).run_config_schema.config_type

    assert [name for name in _type_names(schema) if "SourceType" in name] == []


def _type_names(config_type: object) -> Iterator[str]:
    yield str(getattr(config_type, "key", ""))
    for field in getattr(config_type, "fields", {}).values():
        yield from _type_names(field.config_type)
