"""Faults of Dagster's home and of the state directory, on real files: doctor finds each in its line."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from recruit_assets.observability.audit.last_result import FILE as LAST_AUDIT
from recruit_assets.observability.doctor import State
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.dagster.instance import CONFIG_FILE, HOME_VARIABLE, REPOSITORY, open_instance
from recruit_assets_tests.support.doctor import Fault, expect, look_at, send_heartbeats, verdict_of, wrong

BROKEN_AUDIT = '{"ended_at": "2026-01-05T07:00:00Z", "records": 9, "rules": 2, "broken": ["events"]}'


@dg.op
def fails() -> None:
    raise dg.Failure("as it should")


@dg.job(name="lineage_job")
def job_that_fails() -> None:
    """A replacement with the real job's name."""
    fails()


@pytest.fixture(scope="module")
def a_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Dagster home in which a daemon is alive. To make one takes seconds."""
    home = tmp_path_factory.mktemp("home")
    (home / CONFIG_FILE).symlink_to(REPOSITORY / CONFIG_FILE)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(HOME_VARIABLE, str(home))
        with open_instance(load_settings()) as instance:
            send_heartbeats(instance)
    return home


@pytest.fixture
def settings(a_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state directory, and a Dagster home of the test's own."""
    home, state = tmp_path / "home", tmp_path / "state"
    shutil.copytree(a_home, home, symlinks=True)
    state.mkdir(mode=0o700)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return load_settings(state_dir=state, cache_dir=tmp_path / "cache")


def stop_the_daemon(settings: Settings) -> None:
    with open_instance(settings) as instance:
        send_heartbeats(instance, ago=timedelta(hours=1))


def fail_a_run(settings: Settings) -> None:
    with open_instance(settings) as instance:
        job_that_fails.execute_in_process(instance=instance, raise_on_error=False)


def damage_the_home(settings: Settings) -> None:
    file = settings.state_dir.parent / "home" / CONFIG_FILE
    file.unlink()  # a link to the repository's
    file.write_text("storage: [")


def open_the_state_directory(settings: Settings) -> None:
    settings.state_dir.chmod(0o777)


def open_the_cache(settings: Settings) -> None:
    settings.cache_dir.mkdir()
    settings.cache_dir.chmod(0o777)


def make_the_cache_a_file(settings: Settings) -> None:
    settings.cache_dir.touch()


def an_audit_file(text: str) -> Callable[[Settings], object]:
    return lambda settings: (settings.state_dir / LAST_AUDIT).write_text(text)


DAGSTER = {
    "the daemon is silent": Fault("daemon", "FAIL", "Dagster's daemon is silent: no heartbeat of ", stop_the_daemon),
    "the last run failed": Fault("last runs", "FAIL", "the last run failed of lineage_job", fail_a_run),
    "the home is damaged": Fault("home", "FAIL", "can't be used: ", damage_the_home),
}
FILES = {
    "the last audit wasn't exact": Fault("last audit", "WARN", "wasn't exact: events", an_audit_file(BROKEN_AUDIT)),
    "the last audit's file is damaged": Fault("last audit", "FAIL", "isn't the result of an audit", an_audit_file("{")),
    "others can write to the state directory": Fault(
        "state directory", "WARN", "others can write to ", open_the_state_directory
    ),
    "others can write to the cache": Fault("cache", "WARN", "others can write to ", open_the_cache),
    "the cache is a file": Fault("cache", "FAIL", "this user can't write to ", make_the_cache_a_file),
}


@pytest.mark.parametrize("fault", DAGSTER.values(), ids=DAGSTER)
def test_a_fault_of_dagster_is_found_in_its_line(fault: Fault, settings: Settings) -> None:
    expect(fault, settings, "Dagster")


@pytest.mark.parametrize("fault", FILES.values(), ids=FILES)
def test_a_fault_of_the_files_is_found_in_its_line(fault: Fault, settings: Settings) -> None:
    expect(fault, settings, "files")


def test_a_home_with_a_daemon_is_ok(settings: Settings) -> None:
    findings = look_at(settings, "Dagster")

    assert wrong(findings) == {}
    assert verdict_of(findings, "daemon").state is State.OK


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor only reads. Opening an instance would create its files."""
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    settings = load_settings(state_dir=tmp_path / "state", cache_dir=tmp_path / "cache")

    findings = [*look_at(settings, "Dagster"), *look_at(settings, "files")]

    assert {one.verdict.state for one in findings if one.subject == "Dagster"} == {State.SKIPPED}
    assert wrong(findings) == {}
    assert list(tmp_path.iterdir()) == []
