"""Which services `up` starts, and which addresses it shows."""

from pathlib import Path

import pytest
from dagster._core.execution.asset_backfill import get_asset_backfill_run_chunk_size
from typer.main import get_command

from recruit_assets.cli.main import app
from recruit_assets.local import up
from recruit_assets.local.code_server import CodeServer
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings

CODE = CodeServer(["dagster", "api", "grpc"], Path("/a place/workspace.yaml"))
PAGE = Path("/a place/report.html")
OURS = {"ingest", "metrics", "report", "simulator"}


def test_our_services_are_valid_commands() -> None:
    """An invalid option would only show as a service that keeps dying."""
    commands = get_command(app).commands  # type: ignore[attr-defined]  # the app is a group
    services = {
        service.name: list(service.arguments) for service in up._services(20.0, 3000, CODE, metrics_port=1, page=PAGE)
    }

    assert set(services) == OURS | {"code-server", "webserver", "daemon"}
    for name in OURS:
        _, command, *options = services[name]
        commands[command].make_context(command, options)


def test_the_daemon_notices_soon_that_a_backfill_was_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default after 25 runs. To queue one takes seconds, on a busy machine 20."""
    services = {service.name: service for service in up._services(0, 3000, CODE, metrics_port=1, page=PAGE)}
    for name, value in services["daemon"].environment.items():
        monkeypatch.setenv(name, value)

    assert get_asset_backfill_run_chunk_size() == 10  # type: ignore[no-untyped-call]  # Dagster's


def test_the_addresses_of_page_and_metrics_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up._show_addresses(load_settings(state_dir=tmp_path), 3000, metrics_port=9464, page=PAGE, logs=tmp_path)

    shown = capsys.readouterr().err
    assert "file:///a%20place/report.html, updated every 60 s" in shown
    assert "http://127.0.0.1:9464/metrics" in shown


def test_a_wrong_alert_url_stops_it_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_ALERT_URLS", "slack://hunter2")

    with pytest.raises(UserError, match="RECRUIT_ALERT_URLS: URL 1 slack:// isn't one that Apprise can use"):
        up.run_until_interrupted(rate=0, port=3000, metrics_port=9464)
