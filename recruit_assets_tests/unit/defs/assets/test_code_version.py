"""The code version of an asset: what changes it, and what Dagster then shows."""

import dagster as dg
import pytest

from recruit_assets.defs.assets.code_version import code_version

HOURS = dg.HourlyPartitionsDefinition("2026-01-05-00:00", end_date="2026-01-06-00:00")


class Plain:
    def rule(self, action: str) -> bool:
        return action == "click"


class Documented:
    def rule(self, action: str) -> bool:
        """Whether the action is a click."""
        # the only action so far
        return (
            action
            == "click"
        )  # fmt: skip


class Changed:
    def rule(self, action: str) -> bool:
        return action == "clicks"


def test_only_code_and_declarations_count() -> None:
    version = code_version(Plain.rule, {"click": "clicks"})

    assert version == code_version(Documented.rule, {"click": "clicks"})
    assert version != code_version(Changed.rule, {"click": "clicks"})
    assert version != code_version(Plain.rule, {"click": "conversion"})


def an_asset(version: str) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=HOURS, code_version=version, backfill_policy=dg.BackfillPolicy.single_run())
    def counts() -> None: ...

    return counts


@pytest.mark.parametrize(("version", "is_stale"), [("1", False), ("2", True)])
def test_hours_of_another_version_are_stale(version: str, is_stale: bool) -> None:
    hour = "2026-01-05-07:00"
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([an_asset("1")], instance=instance, partition_key=hour)
        made = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey("counts"), asset_partitions=[hour]), limit=1
        )

    (event,) = made.records
    assert event.asset_materialization is not None
    recorded = (event.asset_materialization.tags or {})["dagster/code_version"]
    assert (recorded != next(iter(an_asset(version).specs)).code_version) is is_stale
