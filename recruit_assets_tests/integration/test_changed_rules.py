"""Another RECRUIT_ATTRIBUTION on the real engines: what was reported follows it, by `schema apply` alone."""

from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.simulator.expected import rules_of
from recruit_assets.simulator.publish import ListSink, simulate, simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.attribution import read_counts_by_rule, read_rules
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.installation import Installation
from recruit_assets_tests.support.pages import Reading

RULES = {"attribution": "job_id,ed.jobId,dl", "attribution_dl": "/(?:stelle|job)/(?<job_id>[0-9]+)"}


class Site(Installation):
    """An installation whose rules are changed."""

    def counts(self) -> dict[str, int]:
        """What the report has in all, and what the rules have found."""
        with open_session(self.settings) as session, open_report_database(self.settings) as database:
            ((events, hours),) = database.query("SELECT SUM(event_count), COUNT(*) FROM report_hours")
            all_hours = [hour.replace(tzinfo=UTC) for (hour,) in database.query("SELECT event_hour FROM report_hours")]
            recorded = read_counts_by_rule(session, self.settings.job_rules, all_hours).values()
        counts = {"events": int(events), "hours": hours}
        if self.settings.job_rules.is_default:
            return counts
        total = sum(recorded, RowCounts())
        return (
            counts | dict(zip(self.settings.job_rules.names, total.by_rule, strict=True)) | {"none": total.unattributed}
        )

    def pending(self) -> set[datetime]:
        with open_report_database(self.settings) as database:
            return {one.hour for one in PendingHours(database).load()}


@pytest.fixture
def own(installation: Installation) -> Site:
    return Site(installation.settings, installation.folder)


def test_reported_hours_follow_other_rules_and_the_ledger_is_exact_before_and_after(own: Site) -> None:
    ours, spec = own.with_settings(**RULES), a_spec()
    simulate_to_kafka(own.settings, spec).write(own.folder / "before.json")
    ledger = simulate(spec, ListSink(), rules=rules_of(ours.settings))
    ledger.write(own.folder / "after.json")
    own.run("materialize", "audit --ledger before.json")
    before = own.counts()
    assert own.pending() == set()

    ours.run("schema apply")

    assert len(ours.pending()) == before["hours"]
    ours.run("materialize", "audit --ledger after.json", "report --html report.html")
    after = ours.counts()
    assert ours.pending() == set()
    assert after["events"] == ledger.counts["countable"] > 1.5 * before["events"]
    found = {name: after[name] for name in ("job_id", "ed.jobId", "dl", "none")}
    assert found == ledger.counts["attributed"] | {"none": ledger.counts["unattributed"]}
    assert min(found.values()) > 0
    assert found["job_id"] == before["events"]
    page = Reading((own.folder / "report.html").read_text(encoding="utf-8"))
    assert f"ed.jobId {found['ed.jobId']:,}" in page.text
    assert f"no job found {found['none']:,}" in page.text

    own.run("schema apply", "materialize", "audit --ledger before.json")

    assert own.counts() == before


def a_spec() -> SimulationSpec:
    """The last hours, of which the page tells how events found their job."""
    end = datetime.now(UTC)
    return SimulationSpec(events=3_000, start=end - timedelta(hours=5), end=end, late_hours=3.0, event_data_share=0.5)


def test_a_process_with_other_rules_changes_nothing(own: Site) -> None:
    """It would count hours in another way than all others, and each would replace what the other has done."""
    ours = own.with_settings(attribution="job_id,ed.jobId")
    apply_schema(ours.settings, may_change_settings=True)

    with pytest.raises(
        AssertionError, match=r"RECRUIT_ATTRIBUTION is job_id, but this installation has job_id,ed\.jobId"
    ):
        own.run("materialize")


def test_a_change_that_was_killed_halfway_is_finished(own: Site) -> None:
    """Otherwise the hours of before would stay as they are for ever."""
    simulate_to_kafka(own.settings, a_spec())
    own.run("materialize")
    ours = own.with_settings(attribution="job_id,ed.jobId")
    with open_session(own.settings) as session:
        insert = f"INSERT INTO {session.keyspace}.attribution (stored_at, rules) VALUES (toTimestamp(now()), %s)"
        session.execute(insert, ("job_id,ed.jobId",))

    apply_schema(ours.settings)

    assert ours.pending()
    with open_session(own.settings) as session:
        assert read_rules(session).pending_at is not None
    pending = ours.pending()
    apply_schema(ours.settings)
    assert ours.pending() == pending
