"""What the shell, a proxy or other software has set changes nothing, or is named in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recruit_assets.runtime import environment
from recruit_assets.runtime.environment import bypass_proxies_on_loopback, require_own_packages
from recruit_assets.runtime.errors import UserError
from recruit_assets_tests.support.command import RECRUIT_ASSETS

CLIENTS = """
import threading, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
import grpc, requests
from concurrent.futures import ThreadPoolExecutor
from recruit_assets.runtime.environment import bypass_proxies_on_loopback

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass

bypass_proxies_on_loopback()
server = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
urllib.request.urlopen(address, timeout=10)
requests.get(address, timeout=10)
remote = grpc.server(ThreadPoolExecutor(1))
port = remote.add_insecure_port("127.0.0.1:0")
remote.start()
for host in ("127.0.0.1", "localhost"):
    grpc.channel_ready_future(grpc.insecure_channel(f"{host}:{port}")).result(timeout=10)
"""
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _variables_stay_in_their_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "PYTHONPATH"):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize(
    ("variable", "given", "expected"),
    [
        ("no_proxy", "", "localhost,127.0.0.1,::1"),
        ("no_proxy", "intern, localhost", "intern,localhost,127.0.0.1,::1"),
        ("NO_PROXY", "intern", "intern,localhost,127.0.0.1,::1"),
        ("no_proxy", "*", "*"),
    ],
)
def test_addresses_of_this_machine_are_added_to_what_needs_no_proxy(
    variable: str, given: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, given)

    bypass_proxies_on_loopback()
    bypass_proxies_on_loopback()

    assert (os.environ["no_proxy"], os.environ["NO_PROXY"]) == (expected, expected)


def test_every_kind_of_client_reaches_this_machine_past_a_proxy_that_is_down() -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "grpc_proxy", "https_proxy", "all_proxy", "ALL_PROXY"), NOBODY)
    there = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}

    subprocess.run([sys.executable, "-c", CLIENTS], env=there | proxies, check=True, timeout=60)


@pytest.mark.parametrize("name", ["pyspark", "dagster"])
def test_another_version_of_a_package_on_the_python_path_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark's installation puts its own pyspark there."""
    other = tmp_path / name / "__init__.py"
    other.parent.mkdir()
    other.touch()
    monkeypatch.setenv("PYTHONPATH", f"/nowhere:{tmp_path}")

    with pytest.raises(UserError, match=f"PYTHONPATH has another {name}, {other}: unset PYTHONPATH"):
        require_own_packages()


def test_a_python_path_with_other_packages_or_with_all_of_ours_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    require_own_packages()

    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    require_own_packages()


def test_a_copied_virtual_environment_is_named(tmp_path: Path) -> None:
    """Its scripts run the original's code on the copy's data."""
    (tmp_path / "pyvenv.cfg").touch()

    with pytest.raises(UserError, match=f"{tmp_path} is a copy that still runs the code of {sys.prefix}: remove it"):
        environment._require_own_interpreter(tmp_path / "bin" / "recruit-assets")

    environment._require_own_interpreter(Path(sys.prefix) / "bin" / "recruit-assets")
    environment._require_own_interpreter(Path("/usr/local/bin/recruit-assets"))


def test_closed_streams_and_an_ascii_terminal_are_no_error(tmp_path: Path) -> None:
    folder = tmp_path / "größe 🎉"
    there = os.environ | {"RECRUIT_STATE_DIR": str(folder), "PYTHONIOENCODING": "ascii"}
    status = [*RECRUIT_ASSETS, "engines", "status"]

    shown = subprocess.run(status, env=there, capture_output=True, text=True, check=False, timeout=60)
    closed = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *status], env=there, check=False, timeout=60
    )

    assert r"gr\xf6\xdfe \U0001f389/engines/kafka/log" in shown.stdout
    assert (shown.stderr, shown.returncode, closed.returncode) == ("", 1, 1)
