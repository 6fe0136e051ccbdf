"""The Dagster home: what we put there, and what we leave alone."""

import os
from pathlib import Path

import pytest
import yaml

from recruit_assets.local.demo import run_demo
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import (
    CONFIG,
    HOME_VARIABLE,
    LOCATION,
    REPOSITORY,
    ensure_dagster_home,
    open_instance,
)

OWN = "telemetry:\n  enabled: false\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration in the home of a state directory."""
    monkeypatch.setenv(HOME_VARIABLE, "")
    (tmp_path / "dagster").mkdir()
    return tmp_path / "dagster" / "dagster.yaml"


def ensure(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, "")
    ensure_dagster_home(load_settings(state_dir=config.parent.parent))


def test_the_home_has_the_repositorys_configuration(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        ensure(config, monkeypatch)

    assert config.readlink() == CONFIG
    assert list(config.parent.iterdir()) == [config]


def test_a_configuration_of_the_users_stays(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(OWN)

    ensure(config, monkeypatch)

    assert config.read_text() == OWN
    assert not config.is_symlink()


def test_a_link_of_the_users_stays(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = tmp_path / "dagster.yaml"
    theirs.write_text(OWN)
    config.symlink_to(theirs)

    ensure(config, monkeypatch)

    assert config.readlink() == theirs


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("place", ["dagster.yaml", "recruit_assets/dagster.yaml"], ids=["checkout", "installation"])
def test_a_link_to_one_of_ours_that_was_moved_or_copied_is_replaced(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, exists: bool
) -> None:
    other = tmp_path / "other"
    if exists:
        (other / "recruit_assets").mkdir(parents=True)
        (other / "recruit_assets" / "__init__.py").touch()
        (other / place).write_text(OWN)
    config.symlink_to(other / place)

    ensure(config, monkeypatch)

    assert config.readlink() == CONFIG


def test_a_home_that_the_user_names_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "theirs"
    monkeypatch.setenv(HOME_VARIABLE, str(home))

    assert ensure_dagster_home(load_settings(state_dir=tmp_path)) == home
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("history/runs.db", "no database", "file is not a database"),
        ("dagster.yaml", "run_launcher: [", "while parsing"),
        ("dagster.yaml", "x: 1", 'dagster.yaml: Received unexpected config entry "x" at the root. Mend it'),
        ("dagster.yaml", "storage: {mysql: {mysql_url: {env: NOT_SET}}}", '"NOT_SET" which is not set'),
    ],
)
def test_a_home_that_cannot_be_used_is_named_with_the_reason(
    file: str, content: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)

    with pytest.raises(UserError) as error, open_instance(load_settings()):
        pass

    assert str(error.value).startswith(f"Dagster's home {tmp_path} can't be used: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_home_that_dagster_would_take_for_a_pattern_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ignore the dagster.yaml in it."""
    monkeypatch.setenv(HOME_VARIABLE, "/somewhere/[x]")

    with pytest.raises(UserError, match=r"DAGSTER_HOME: /somewhere/\[x\] can't be used: '\[' makes it a pattern"):
        ensure_dagster_home(load_settings())


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster refuses any other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "home")

    assert ensure_dagster_home(load_settings()) == tmp_path / "home"
    assert os.environ[HOME_VARIABLE] == str(tmp_path / "home")


def test_the_demo_leaves_the_users_home_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "theirs"))
    monkeypatch.setenv("RECRUIT_STATE_DIR", str(tmp_path))

    def start(engines: LocalEngines, _: object) -> None:
        assert ensure_dagster_home(load_settings(state_dir=engines.state_dir)) == tmp_path / "demo" / "dagster"
        raise UserError("far enough")

    monkeypatch.setattr(LocalEngines, "start", start)
    with pytest.raises(UserError, match="far enough"):
        run_demo(events=1, seed=1)

    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("file", ["workspace.yaml", "docker/workspace.yaml"])
def test_the_code_location_has_one_name_everywhere(file: str) -> None:
    """Runs are ours by it, and sensors keep their state by it."""
    (location,) = yaml.safe_load((REPOSITORY / file).read_text())["load_from"]

    assert [one["location_name"] for one in location.values()] == [LOCATION]
