"""A person's click on a web page, from a real browser to the report, with nothing but what `up` and `collect` run."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.support.browser import opened
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.ui.conftest import Platform

JOB = 700_001
PAGE = """<!doctype html><title>A job</title>
<script src="http://127.0.0.1:{collector}/tracker.js" data-publisher-id="2" async></script>
<p><a href="#applied" data-recruit="click" data-job-id="{job}" data-bid="40"><b>Apply</b></a></p>
"""


@pytest.fixture
def site(platform: Platform, tmp_path: Path) -> Iterator[str]:
    """The address of a page with the tracker's script, whose collector runs, and so does ingest."""
    (collector,) = free_ports(1)
    (tmp_path / "index.html").write_text(PAGE.format(collector=collector, job=JOB), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever).start()
    address = f"http://127.0.0.1:{server.server_port}"
    environment = os.environ | {"RECRUIT_COLLECT_ORIGINS": address}
    commands = {"ingest": ["ingest"], "collector": ["collect", "--port", str(collector)]}
    services = [Service(name, [*RECRUIT_ASSETS, *command], environment) for name, command in commands.items()]
    with Supervisor(services, tmp_path / "logs", print):
        platform.wait(lambda: is_healthy(collector))
        yield f"{address}/"
    server.shutdown()
    server.server_close()


def is_healthy(collector: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{collector}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_click_on_a_page_is_in_the_report_by_itself(platform: Platform, site: str, tmp_path: Path) -> None:
    with opened(tmp_path / "browser") as page:
        page.open(site)
        page.wait("window.recruit")
        page.click("a b")
        page.wait("location.hash == '#applied'")

        platform.wait(lambda: reported(platform), 120)

    assert reported(platform) == [(2, 1, 0, 40)]
    with open_session(platform.settings) as session:
        rows = session.execute(f"SELECT custom_track, publisher_id, dl, dt FROM {session.table(RAW_EVENTS)}")
        from_the_page = sorted(row for row in rows if row[2] == site)
    assert from_the_page == [("click", 2, site, "A job"), ("page", 2, site, "A job")]


def reported(platform: Platform) -> Sequence[tuple[object, ...]]:
    """Publisher, clicks, applications and spend of the job."""
    columns = "publisher_id, clicks, conversion, spend_hour"
    with open_report_database(platform.settings) as database:
        return database.query(f"SELECT {columns} FROM mysql_report WHERE job_id = %s", (JOB,))
