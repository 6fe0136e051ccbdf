"""Chromium without a window, driven over its DevTools protocol (chromedevtools.github.io/devtools-protocol)."""

import base64
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from recruit_assets.local.engines.ports import free_ports
from recruit_assets_tests.support.waiting import wait_until

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ANSWER_TIMEOUT_S = 60


def program() -> str | None:
    """The installed browser's path."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """A tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def call(self, method: str, **parameters: object) -> dict[str, object]:
        """The result of a method; what the browser tells meanwhile is left out."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(ANSWER_TIMEOUT_S))
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                result: dict[str, object] = message["result"]
                return result

    def value(self, expression: str) -> object:
        """What JavaScript says that this is."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        remote = result["result"]
        assert isinstance(remote, dict)
        return remote.get("value")

    def open(self, url: str) -> None:
        """Go there, and return once the page is loaded."""
        self.call("Page.navigate", url=url)
        self.wait(f"location.href == {json.dumps(url)} && document.readyState == 'complete'")

    def wait(self, expression: str, timeout_s: float = 60) -> None:
        """Return once this is true."""
        wait_until(lambda: self.value(expression), timeout_s, what=expression)

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of the first such element, as a person does."""
        middle = self.value(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        assert isinstance(middle, list)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=middle[0], y=middle[1], button="left", clickCount=1)

    def picture(self, file: Path) -> None:
        """Write what the tab shows as a PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(str(data)))


@contextmanager
def opened(folder: Path, *, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """A tab of a new browser that keeps its files in this folder."""
    chromium = program()
    if chromium is None:
        raise AssertionError(f"no browser: install one of {', '.join(PROGRAMS)}")
    (port,) = free_ports(1)
    arguments = (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--no-proxy-server", f"--window-size={width},{height}", f"--user-data-dir={folder}",
        f"--remote-debugging-port={port}", "about:blank",
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen([chromium, *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
            wait_until(lambda: _tab(client), 60, what="the browser's tab")
            address = _tab(client)
        assert address is not None
        with connect(address, max_size=None, proxy=None, origin=None) as connection:
            yield Page(connection)
    finally:
        process.kill()
        process.wait(30)


def _tab(client: httpx.Client) -> str | None:
    """The address of the first tab, None while there is none."""
    try:
        tabs = client.get("/json/list").json()
    except httpx.TransportError:
        return None
    return next((str(tab["webSocketDebuggerUrl"]) for tab in tabs if tab["type"] == "page"), None)
