"""What an evaluation compares, and which result Dagster gets, as runs of other hours and of checks alone follow."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs.checks.scope import COMPARED_AGAIN, Scope
from recruit_assets.defs.checks.verdict import Finding
from recruit_assets.defs.runs import range_tags
from recruit_assets.hours.planning import HourRange
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.stores.dagster.history import last_checks

SEVEN, EIGHT, NINE = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (7, 8, 9))
ALL = [SEVEN, EIGHT, NINE]
counts, sums = (dg.AssetCheckSpec(name, asset="table", blocking=name == "counts") for name in ("counts", "sums"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Memory:
    """Keeps the wrong parts as MySQL does; `meanwhile` happens in another run while a check compares."""

    def __init__(self) -> None:
        self.wrong: defaultdict[str, frozenset[Part]] = defaultdict(frozenset)
        self.meanwhile: frozenset[Part] | None = None

    def read(self, check: str) -> frozenset[Part]:
        return self.wrong[check]

    def update(self, check: str, *, wrong: Collection[Part], good: Collection[Part], run_id: str) -> frozenset[Part]:
        before = self.wrong[check] if self.meanwhile is None else self.meanwhile
        self.wrong[check] = (before - frozenset(good)) | frozenset(wrong)
        return self.wrong[check]


class Table:
    """An asset whose checks find the hours in `wrong` wrong, and can't compare those in `unreadable`."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.memory = instance, Memory()
        self.wrong: set[datetime] = set()
        self.unreadable: set[datetime] = set()
        self.kept_from: datetime | None = None
        self.compared: list[datetime] = []

    def run(self, *hours: datetime, select: dg.AssetSelection | None = None) -> dg.ExecuteInProcessResult:
        """Execute the checks: for these hours, or alone."""

        @dg.asset
        def table() -> None:
            """An asset with two checks."""

        @dg.asset(deps=[table])
        def after() -> None:
            """What a wrong table must not reach."""

        @dg.multi_asset_check(name="checks", specs=[counts, sums], can_subset=True)
        def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            scope = Scope.of(context, self.memory)
            self.compared = list(scope.hours_and_again(lambda: ALL))
            findings = [self.compare(hour) for hour in self.compared]
            yield from scope.results(counts, findings, first_hour=self.kept_from)
            yield from scope.results(sums, findings)

        job = dg.define_asset_job("job", selection=select or dg.AssetSelection.all())
        definitions = dg.Definitions(assets=[table, after], asset_checks=[checks], jobs=[job])
        return definitions.resolve_job_def("job").execute_in_process(
            instance=self.instance,
            tags=range_tags(HourRange(min(hours), max(hours))) if hours else {},
            raise_on_error=False,
        )

    def compare(self, hour: datetime) -> Finding:
        if hour in self.unreadable:
            return Finding(Part(hour), not_compared=f"{hour} is being replaced")
        return Finding(Part(hour), 3, 4 if hour in self.wrong else 3, "4, not 3" if hour in self.wrong else "")

    def states(self) -> Mapping[str, bool]:
        wrong = {("table", check) for check, parts in self.memory.wrong.items() if parts}
        return {one.check: one.passed for one in last_checks(self.instance, [counts.key, sums.key], wrong=wrong)}


@pytest.fixture
def table(instance: dg.DagsterInstance) -> Table:
    return Table(instance)


def test_a_wrong_hour_stays_red_through_runs_of_other_hours_and_is_green_once_it_is_good(table: Table) -> None:
    table.wrong = {SEVEN}
    table.run(SEVEN)
    assert table.states() == {"counts": False, "sums": False}

    table.run(EIGHT)
    table.run(NINE)
    assert table.states() == {"counts": False, "sums": False}
    assert table.compared == [NINE, SEVEN]

    table.wrong = set()
    table.run(SEVEN)
    assert table.states() == {"counts": True, "sums": True}
    table.run(EIGHT)
    assert table.compared == [EIGHT]


def test_a_run_that_could_not_compare_leaves_the_last_result(table: Table) -> None:
    table.unreadable = {SEVEN}
    assert table.run(SEVEN).success
    assert table.states() == {}

    table.run(EIGHT)
    table.run(SEVEN)
    assert table.states() == {"counts": True, "sums": True}

    table.wrong = {EIGHT}
    table.run(EIGHT)
    table.unreadable = {SEVEN, EIGHT}
    table.run(SEVEN)
    assert table.states() == {"counts": False, "sums": False}


def test_a_blocking_check_stops_only_a_run_that_replaces_the_wrong_hour(table: Table) -> None:
    table.wrong = {SEVEN}
    stopped, other = table.run(SEVEN), table.run(EIGHT)

    assert not stopped.success
    assert other.success
    severities = {one.check_name: one.severity for one in other.get_asset_check_evaluations()}
    assert severities == {"counts": dg.AssetCheckSeverity.WARN, "sums": dg.AssetCheckSeverity.ERROR}
    assert len(other.asset_materializations_for_node("after")) == 1


@pytest.mark.parametrize("spec", [counts, sums], ids=["blocking", "not blocking"])
def test_each_check_can_be_executed_alone_and_compares_everything(table: Table, spec: dg.AssetCheckSpec) -> None:
    table.wrong = {EIGHT}
    result = table.run(select=dg.AssetSelection.checks(spec.key))

    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == (spec.name, False)
    assert table.compared == ALL
    assert result.success is (spec is sums)


def test_of_many_wrong_hours_a_run_compares_some_and_forgets_none(table: Table) -> None:
    many = [SEVEN - timedelta(hours=hour) for hour in range(1, 3 * COMPARED_AGAIN)]
    table.wrong = set(many)
    table.run(*many)
    table.wrong -= {many[0]}
    table.run(EIGHT)
    assert len(table.compared) == 1 + COMPARED_AGAIN

    table.wrong = set()
    table.run(*many)
    assert table.states() == {"counts": True, "sums": True}


def test_what_another_run_finds_wrong_meanwhile_is_no_pass(table: Table) -> None:
    table.memory.meanwhile = frozenset({Part(SEVEN)})
    result = table.run(EIGHT)

    assert [one.passed for one in result.get_asset_check_evaluations()] == [False, False]
    assert result.success


def test_what_another_run_finds_good_meanwhile_is_no_failure(table: Table) -> None:
    table.wrong = {SEVEN}
    table.run(SEVEN)
    table.wrong, table.unreadable, table.memory.meanwhile = set(), {SEVEN}, frozenset()

    assert [one.passed for one in table.run(EIGHT).get_asset_check_evaluations()] == [True, True]


def test_a_wrong_hour_outlives_the_history_of_the_runs(table: Table) -> None:
    table.wrong = {SEVEN}
    table.instance.delete_run(table.run(SEVEN).run_id)
    table.run(EIGHT)
    assert table.states() == {"counts": False, "sums": False}


def test_an_hour_that_cannot_be_replaced_any_more_is_forgotten_where_it_cannot_be_compared(table: Table) -> None:
    table.wrong = {SEVEN}
    table.run(SEVEN)
    table.kept_from, table.unreadable = EIGHT, {SEVEN}

    result = table.run(EIGHT)

    assert {one.check_name: one.passed for one in result.get_asset_check_evaluations()} == {
        "counts": True,
        "sums": False,
    }


def test_a_run_of_many_hours_compares_some_of_them_each_time_others(instance: dg.DagsterInstance) -> None:
    sampled: list[set[datetime]] = []
    hours = HourRange(SEVEN, SEVEN + timedelta(hours=99))

    @dg.asset
    def table() -> None:
        """An asset with a check."""

    @dg.multi_asset_check(name="checks", specs=[counts], can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        scope = Scope.of(context, Memory())
        sampled.append(set(scope.hours(lambda: ALL, at_most=10)))
        assert list(scope.hours(lambda: ALL, at_most=100)) == list(hours.hours())
        yield from ()

    definitions = dg.Definitions(assets=[table], asset_checks=[checks], jobs=[dg.define_asset_job("job")])
    for _ in range(2):
        definitions.resolve_job_def("job").execute_in_process(instance=instance, tags=range_tags(hours))

    assert [len(one) for one in sampled] == [10, 10]
    assert sampled[0] != sampled[1]
    assert sampled[0] | sampled[1] <= set(hours.hours())
