"""Which regular expressions of landing URLs are allowed, and what they become."""

import re
import time

import pytest

from recruit_assets.contract.url_patterns import LONGEST_URL, portable


@pytest.mark.parametrize(
    ("pattern", "url", "job"),
    [
        (r"/jobs/(?<job_id>[0-9]+)", "https://a.example/jobs/192?x=7", "192"),
        (r"/jobs/(?P<job_id>\d+)", "https://a.example/jobs/192", "192"),
        (r"/(?:stelle|job)/(?<job_id>\d{1,9})", "https://a.example/job/7", "7"),
        (r"^https?://[^/]+/[a-z0-9-]*-(?<job_id>\d+)", "http://a.example/cook-2-berlin-192", "192"),
        (r"[?&]job=(?<job_id>\d+)", "https://a.example/?a=1&job=192", "192"),
        (r"/job(?:s)?\.html#(?<job_id>\d+)$", "https://a.example/job.html#192", "192"),
        (r"/job#(?<job_id>\d+)$", "https://a.example/job#192\n", None),
        (r"/(?<job_id>\d+)-.*\.html", "/192-koch.html", "192"),
        (r"\$(?<job_id>\w+)\\", "$192\\", "192"),
        (r"ö/(?<job_id>[\d]+)", "ö/192", "192"),
        (r"/(?<job_id>[0-9]+)", "/๑๒", None),
        (r"[a&&b](?<job_id>\d+)", "&192", "192"),
    ],
)
def test_a_pattern_finds_what_it_says(pattern: str, url: str, job: str | None) -> None:
    found = re.search(portable(pattern), url)

    assert (found[1] if found else None) == job


def test_both_engines_get_ascii_sets_and_escaped_punctuation() -> None:
    assert portable(r"^/a.b-[\w.&-]+/(?<job_id>\d+)$") == (
        r"^/a[^\n]b\-[0-9A-Za-z_\.\&\-]+/([0-9]+)(?![\s\S])"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"/jobs/[0-9]+", "exactly one group"),
        (r"(?<job_id>\d+)(?<job_id>\d+)", "exactly one group"),
        (r"(?<other>\d+)", "exactly one group"),
        (r"/(\d+)", r"must begin its groups with"),
        (r"(?=x)(?<job_id>\d+)", r"must begin its groups with"),
        (r"(?i)(?<job_id>\d+)", r"must begin its groups with"),
        (r"(?:a+)+(?<job_id>\d+)", "must not repeat a group"),
        (r"(?:a+){2}(?<job_id>\d+)", "must not repeat a group"),
        (r"(?<job_id>\d+)?", "must not repeat a group"),
        (r".*.*(?<job_id>\d+)", "could take 3,007,005,000 steps"),
        (r"^a*a*a*(?<job_id>\d)", "could take 1,005,008,005 steps"),
        (r"(?:a?){20}(?<job_id>\d)", "must not repeat a group"),
        (20 * "a?" + r"(?<job_id>\d)", "could take .* steps"),
        (20 * "(?:a|a)" + r"(?<job_id>\d)", "could take .* steps"),
        (r"\d++(?<job_id>\d+)", "two quantifiers in a row"),
        (r"a{3,2}(?<job_id>\d)", "wrong order"),
        (r"(?<job_id>\1)", "after a backslash, only punctuation"),
        (r"(?<job_id>\p{N})", "after a backslash, only punctuation"),
        ("(?<job_id>\\", "after a backslash, only punctuation"),
        (r"a|(?<job_id>\d)", "outside of a group"),
        (r"(?<job_id>\d))", "outside of a group"),
        (r"(?<job_id>\d", r"lacks a \)"),
        (r"(?<job_id>[\d", "lacks a ]"),
        (r"(?<job_id>[])", "empty set"),
        (r"(?<job_id>[[a]])", r"has a \["),
        (r"(?<job_id>[a-Z])", "the range a-Z"),
        (r"(?<job_id>[z-a])", "the range z-a"),
        (r"x{,2}(?<job_id>\d)", "no meaning"),
        (r"^^(?<job_id>\d)", "no meaning"),
        (r"a$b(?<job_id>\d)", "no meaning"),
        ("\n(?<job_id>\\d)", "can't be printed"),
        (r"(?<job_id>\d)" + "a" * 200, "has 213 characters"),
    ],
)
def test_another_pattern_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        portable(pattern)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        (r"a+-(?<job_id>\d)", "a" * LONGEST_URL),
        (r"^a*a*(?<job_id>\d)", "a" * LONGEST_URL),
        (r"[^/]+(?:/|-)(?<job_id>\d)", "a" * LONGEST_URL),
        (r"/jobs/[a-z0-9-]+-(?<job_id>\d+)", "/jobs/" + "-" * LONGEST_URL),
        (r"^https?://[^/]+/[a-z0-9-]*-(?<job_id>\d+)$", "http://a/" + "-1" * (LONGEST_URL // 2 - 5) + "x"),
        (r"/(?<job_id>\d+)-.*\.html", "/1-" + "." * LONGEST_URL),
        (r"[?&]job=(?<job_id>\d+)(?:&.*)?$", "?job=1" * 160 + "?x"),
    ],
)
def test_an_allowed_pattern_ends_soon_on_the_worst_url(pattern: str, url: str) -> None:
    """One click with a URL made for it must not hold a run up."""
    allowed, url = portable(pattern), url[:LONGEST_URL]
    started = time.process_time()

    assert re.search(allowed, url) is None

    assert time.process_time() - started < 0.5
