"""The Dagster home: what we put there, and what we leave alone."""

from pathlib import Path

import pytest
import yaml

from recruit_assets.local.demo import run_demo
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, LOCATION, REPOSITORY, ensure_dagster_home

CONFIG = REPOSITORY / "dagster.yaml"
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
def test_a_link_to_a_checkout_that_was_moved_or_copied_is_replaced(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exists: bool
) -> None:
    other = tmp_path / "checkout"
    if exists:
        (other / "recruit_assets").mkdir(parents=True)
        (other / "recruit_assets" / "__init__.py").touch()
        (other / "dagster.yaml").write_text(OWN)
    config.symlink_to(other / "dagster.yaml")

    ensure(config, monkeypatch)

    assert config.readlink() == CONFIG


def test_a_home_that_the_user_names_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "theirs"
    monkeypatch.setenv(HOME_VARIABLE, str(home))

    assert ensure_dagster_home(load_settings(state_dir=tmp_path)) == home
    assert list(home.iterdir()) == []


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
