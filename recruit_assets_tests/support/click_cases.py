"""Clicks and their verdicts, found by hand: what each implementation of the verdicts must say.

The rules: 30 seconds, the usual internal hosts with *.corp.example, dev.example.com, 203.0.112.0/22 and 2001::/16, and
days in Berlin. Job 7 ends on 2026-01-05, job 8 on 2026-03-29 (23 hours), job 9 on 2026-10-25 (25 hours).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from recruit_assets.contract.click_quality import ClickRules
from recruit_assets.contract.internal_hosts import DEFAULT_HOSTS, host_pattern

HOSTS = (*DEFAULT_HOSTS, "*.corp.example", "Dev.example.com", "203.0.112.0/22", "2001::/16")
RULES = ClickRules(window_s=30, internal_hosts=host_pattern(HOSTS), timezone="Europe/Berlin")
END_DATES = {7: date(2026, 1, 5), 8: date(2026, 3, 29), 9: date(2026, 10, 25)}

PERSON = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PAGE = "https://jobs.example/stelle/1"


class Case(NamedTuple):
    """A click, and what is said of it."""

    at: datetime
    create_time: str
    job_id: int
    uid: str | None
    ua: str | None
    dl: str | None
    verdict: str

    @property
    def at_ms(self) -> int:
        return round(self.at.timestamp() * 1000)


def _clicks(uid: str | None, *clicks: tuple[str, str], job_id: int = 1, ua: str | None = PERSON) -> Iterator[Case]:
    """A person's clicks on a job, each with its time on 2026-01-05 and its verdict."""
    for time, verdict in clicks:
        at = datetime.fromisoformat(f"2026-01-05T{time}+00:00")
        yield Case(at, f"{uid}-{job_id}-{at:%H%M%S%f}", job_id, uid, ua, PAGE, verdict)


def _alone(name: str, verdict: str, *, ua: str | None = PERSON, dl: str | None = PAGE) -> Case:
    """A click that no other one belongs to."""
    return Case(datetime(2026, 1, 5, 9, tzinfo=UTC), f"alone-{name}", 1, f"alone-{name}", ua, dl, verdict)


def _last_day(job_id: int, time: str, verdict: str) -> Case:
    return Case(datetime.fromisoformat(time), f"last-{time}", job_id, f"last-{job_id}-{time}", PERSON, PAGE, verdict)


def _agents() -> Iterator[Case]:
    agents = {
        GOOGLEBOT: "robot", "curl/8.5.0": "robot", "x curl/8.5.0": "valid", "python-requests/2.32": "robot",
        "BlogTraffic/1.23 Feed-Fetcher": "robot", "BlogTraffic/\u0661.\u0662 Feed-Fetcher": "valid",
        "SSL Labs": "robot", "SSL Labs\n": "robot", "SSL Labs\r": "valid", "SSL Labs\u2028": "valid",
        "SSL Labs (x": "valid", "Let's Encrypt": "robot", "googlebot/2.1": "valid", "Googlebot": "valid",
        "Spider \n spider.com": "robot", "x" * 990 + "Googlebot/": "robot", "x" * 991 + "Googlebot/": "valid",
        "\U0001f98a" * 990 + "Googlebot/": "robot", PERSON: "valid",
    }  # fmt: skip
    for number, (ua, verdict) in enumerate(agents.items()):
        yield _alone(f"ua{number}", verdict, ua=ua)
    yield _alone("no-ua", "valid", ua=None)
    yield _alone("empty-ua", "valid", ua="")


def _pages() -> Iterator[Case]:
    internal = (
        "http://localhost", "http://localhost/", "http://localhost:3000/job/1", "HTTP://LOCALHOST?x", "http://localhost#a",
        "http://localhost./x", "http://app.localhost/", "https://pc.local/", "https://a.b.internal:8443",
        "http://127.0.0.1", "http://127.9.0.255:80/", "http://0.0.0.0:8000", "http://10.200.3.4/", "http://172.16.0.1/",
        "http://172.31.255.255/", "http://192.168.178.20/x", "http://[::1]:3000/", "http://[fd12:3456::1]/",
        "http://[FE80::1]/", "http://[febf:0:0:1:2:3:4:5]", "https://hr.corp.example/", "https://a.hr.corp.example",
        "https://dev.example.com/job/1", "https://user:pw@dev.example.com/", "https://a@b@localhost/",
        "http://203.0.112.1", "http://203.0.115.255", "http://[2001:db8::1]/", "x-app+1.0://localhost",
    )  # fmt: skip
    public = (
        PAGE, "localhost", "localhost:3000/job/1", "//localhost/x", "/job/1", "", "http://", "http:///localhost/",
        "http://localhost.example/", "http://notlocalhost/", "http://corp.example/", "http://xcorp.example/",
        "https://dev.example.com.evil.example/", "https://example.com/?u=http://localhost/", "http://172.15.0.1/",
        "http://172.32.0.1/", "http://110.0.0.1/", "http://10.0.0.1.example/", "http://10.1/", "http://203.0.111.1",
        "http://203.0.116.1", "http://[::2]/", "http://[fe00::1]/", "http://[2002::1]/", "http://[::1/", "http://::1/",
        "file:///home/me/job.html", " http://localhost/", "http://localhost\n", "http://localhost:x/",
        "http://localhost@jobs.example/", "http://b\u00fcro.local/", "http://\u212aorp.example/", "1http://localhost/",
        "http://" + "x" * 993 + ".local/",
    )  # fmt: skip
    for name, pages, verdict in (("in", internal, "internal"), ("out", public, "valid")):
        for number, dl in enumerate(pages):
            yield _alone(f"{name}{number}", verdict, dl=dl)
    yield _alone("no-dl", "valid", dl=None)


CASES = (
    # the same person and job within the window, counted from the click before and not from the first
    *_clicks("double", ("07:00:00", "valid"), ("07:00:29.999", "duplicate"), ("07:00:59.998", "duplicate"),
             ("07:01:29.998", "valid"), ("07:01:29.998001", "duplicate")),
    # across hours and days
    *_clicks("hours", ("07:59:59.999", "valid"), ("08:00:00", "duplicate"), ("08:00:30", "valid")),
    # other jobs and other people
    *_clicks("jobs", ("07:00:00", "valid")), *_clicks("jobs", ("07:00:01", "valid"), job_id=2),
    *_clicks("Jobs", ("07:00:02", "valid")), *_clicks("jobs ", ("07:00:03", "valid")),
    # nobody is never a duplicate
    *_clicks(None, ("07:00:00", "valid"), ("07:00:01", "valid"), ("07:00:02", "valid")),
    *_clicks("", ("07:00:00", "valid"), ("07:00:01", "valid")),
    # duplicate is said first; what the click before was doesn't matter
    *_clicks("bot", ("07:00:00", "robot"), ("07:00:10", "duplicate"), ua=GOOGLEBOT),
    *_clicks("bot", ("07:00:20", "duplicate")),
    # robot before internal before expired
    _alone("all", "robot", ua=GOOGLEBOT, dl="http://localhost/"),
    Case(datetime(2026, 1, 7, tzinfo=UTC), "all-internal", 7, "all-internal", PERSON, "http://localhost/", "internal"),
    # the last day counts in full
    _last_day(7, "2026-01-05T22:59:59.999+00:00", "valid"), _last_day(7, "2026-01-05T23:00:00+00:00", "expired"),
    _last_day(8, "2026-03-29T21:59:59.999+00:00", "valid"), _last_day(8, "2026-03-29T22:00:00+00:00", "expired"),
    _last_day(9, "2026-10-25T22:59:59.999+00:00", "valid"), _last_day(9, "2026-10-25T23:00:00+00:00", "expired"),
    _last_day(7, "2025-01-01T00:00:00+00:00", "valid"), _last_day(1, "2040-01-01T00:00:00+00:00", "valid"),
    *_agents(),
    *_pages(),
)  # fmt: skip
