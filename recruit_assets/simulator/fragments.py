"""Fragments of records, prepared as JSON bytes.

A record consists of an interaction (the action and its advertisement: all that the report depends on), a visitor
(browser and person) and a time style (`times`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from uuid import UUID

from recruit_assets.simulator.jobs import Job
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID, FIRST_GROUP_ID, FIRST_PUBLISHER_ID
from recruit_assets.simulator.spec import SimulationSpec

ABSENT = object()
"""A missing field, in contrast to null."""


class Action(StrEnum):
    """What a user does. Not imported from the contract, because the ledger checks the pipeline's declaration."""

    CLICK = "click"
    CONVERSION = "conversion"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"


ACTIONS = ("click", "clicks", "conversion", "qualified", "unqualified")
ACTION_WEIGHTS = (70, 18, 8, 2.5, 1.5)
"""The funnel: far fewer conversions than clicks, and still fewer that are reviewed."""
MEANING = {name: Action.CLICK if name == "clicks" else Action(name) for name in ACTIONS}

VALUELESS = (
    None,
    ABSENT,
    "",
    "pageview",
    "scroll",
    "video_start",
    True,
    "CLICK",
    "clicked",
    " click",
    "null",
    "qualifiziert",
)
VALUELESS_WEIGHTS = (74, 14, 3, 8, 4, 1, 1, 1, 1, 1, 1, 1)
"""Most events have no action; some values resemble a countable action and would match a careless comparison."""
UNATTRIBUTED_SHARE = 0.04
"""Of the uncountable events: those with a countable action but no job."""
VALUELESS_ON_A_JOB_SHARE = 0.2

SITE = "https://jobs.example"
SEARCH_PAGE = f"{SITE}/suche?q=B%C3%BCro"

INTERACTIONS_PER_JOB = (8, 256)
INTERACTIONS = 4_096
UNCOUNTABLE_INTERACTIONS = 400
VISITORS = 1_500
UNKNOWN_FIELDS: tuple[dict[str, object], ...] = (
    {"fbclid": "IwAR0x7Zk"},
    {"consent": {"ads": True, "analytics": False, "version": 2}},
    {"exp": ["cta_green", "långsam"], "perf_ms": 123.75},
    {"gclid": None, "nul": "a\u0000b"},
)
"""Fields of newer trackers that the contract doesn't have."""
UNKNOWN_FIELDS_SHARE = 0.06

NUMBER_SPELLINGS = (int, float, str, "{}.0".format)
NUMBER_WEIGHTS = (76, 9, 11, 4)
"""Trackers write numbers as 1, 1.0, "1" or "1.0"."""
SEPARATORS = ((",", ":"), (", ", ": "), (" ,", "  : "))
SEPARATOR_WEIGHTS = (80, 18, 2)
Visitor = tuple[bytes, bytes]
"""The members about browser and person, with and without `ed`."""
Style = tuple[tuple[str, str], bool]
"""The separators of a tracker's JSON, and whether it escapes what isn't ASCII."""


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """An action with ids and bid as the report counts them (null is 0), and its JSON members.

    Compared by identity, which makes it a fast dictionary key.
    """

    members: bytes
    action: Action | None
    job_id: int | None
    publisher_id: int = 0
    campaign_id: int = 0
    group_id: int = 0
    bid: int = 0
    track: object = None
    """The `custom_track`."""
    has_event_data: bool = False
    """Whether the members have an `ed`; then the visitor's must not."""


def zipf_weights(count: int, skew: float) -> list[float]:
    """Weights by rank: 1, 1/2^skew, 1/3^skew and so on."""
    return [1 / rank**skew for rank in range(1, count + 1)]


def countable_interactions(
    spec: SimulationSpec, jobs: Sequence[Job], rng: Random
) -> Iterator[tuple[Interaction, float]]:
    """Interactions with every job, and their weights; popular jobs have more interactions."""
    popularity = zipf_weights(len(jobs), spec.skew)
    fewest, most = INTERACTIONS_PER_JOB
    scale = INTERACTIONS / sum(popularity)
    publisher_weights = zipf_weights(spec.publishers, spec.skew)
    for job, weight in zip(jobs, popularity, strict=True):
        count = max(fewest, min(most, round(weight * scale)))
        usual_bid = rng.randrange(15, 400)
        for _ in range(count):
            publisher = rng.choices(range(spec.publishers), publisher_weights)[0]
            ids = {
                "publisher_id": _id_or_null(rng, FIRST_PUBLISHER_ID + publisher),
                # a job is in few campaigns, and in one group
                "campaign_id": _id_or_null(rng, FIRST_CAMPAIGN_ID + (job.rank * 3 + rng.randrange(2)) % spec.campaigns),
                "group_id": _id_or_null(rng, FIRST_GROUP_ID + job.rank % spec.groups),
                "bid": _id_or_null(rng, usual_bid + rng.choice((-3, -1, 0, 0, 0, 1, 2, 7))),
            }
            spelling = rng.choices(ACTIONS, ACTION_WEIGHTS)[0]
            yield an_interaction(rng, spelling, job=job, ids=ids), weight / count


def uncountable_interactions(jobs: Sequence[Job], rng: Random) -> Iterator[tuple[Interaction, float]]:
    """Page views and other events without analytical value, and a few countable actions without a job."""
    unattributed = round(UNCOUNTABLE_INTERACTIONS * UNATTRIBUTED_SHARE)
    for number in range(UNCOUNTABLE_INTERACTIONS):
        ids = {
            "publisher_id": _id_or_null(rng, FIRST_PUBLISHER_ID),
            "campaign_id": rng.choice((None, ABSENT)),
            "group_id": rng.choice((None, ABSENT)),
            "bid": rng.choice((None, ABSENT, 0, 25)),
        }
        if number < unattributed:
            yield an_interaction(rng, rng.choices(ACTIONS, ACTION_WEIGHTS)[0], job=None, ids=ids), 1.0
        else:
            job = rng.choice(jobs) if rng.random() < VALUELESS_ON_A_JOB_SHARE else None
            yield an_interaction(rng, rng.choices(VALUELESS, VALUELESS_WEIGHTS)[0], job=job, ids=ids), 1.0


def visitors(rng: Random) -> list[Visitor]:
    """The people who visit the site."""
    return [a_visitor(rng) for _ in range(VISITORS)]


def an_interaction(
    rng: Random,
    spelling: object,
    *,
    job: Job | None,
    ids: dict[str, object],
    page: Job | None = None,
    ed: str | None = None,
    site: str = SITE,
) -> Interaction:
    """An interaction with the job, or on the page of one, or with none; with `ed` as its event data."""
    page = page or job
    campaign = rng.choice((None, None, "herbst_2026", "retargeting", "Azubi-Börse"))
    fields: dict[str, object] = {
        "custom_track": spelling,
        "job_id": _spelled(rng, job.id) if job else rng.choice((None, ABSENT)),
        **{name: _spelled(rng, value) if isinstance(value, int) else value for name, value in ids.items()},
        "dl": f"{site}/{rng.choice(('stelle', 'job'))}/{page.id}" if page else SEARCH_PAGE,
        "dt": f"{page.title} | jobs.example"
        if page
        else rng.choice(("Startseite", "Suche: Büro", "Ergebnisse\tSeite 2")),
        "rl": rng.choice((None, "", "https://www.search.example/?q=jobs+k%C3%B6ln", "android-app://com.example.mail")),
        "utm_campaign": campaign,
        "utm_content": rng.choice((None, ABSENT, "banner_300x250", "textlink")),
        "utm_medium": rng.choice(("cpc", "email", "social")) if campaign else None,
        "utm_source": rng.choice(("newsletter", "partner_7", "stellenbörse")) if campaign else ABSENT,
        "utm_term": rng.choice((None, ABSENT, "büro teilzeit")),
    }
    if ed is not None:
        fields["ed"] = ed
    numbers = {name: value if isinstance(value, int) else 0 for name, value in ids.items()}
    return Interaction(
        members=_members(rng, fields),
        action=MEANING.get(spelling) if isinstance(spelling, str) else None,
        job_id=job.id if job else None,
        track=spelling,
        has_event_data=ed is not None,
        **numbers,
    )


def a_visitor(rng: Random, *, ua: str = "") -> Visitor:
    """A person with a browser, or with this user agent."""
    width, height = rng.choice(((1920, 1080), (2560, 1440), (390, 844), (412, 915), (1366, 768)))
    mobile = width < 800
    system = "Linux; Android 15" if mobile else "Windows NT 10.0; Win64; x64"
    browser = rng.choice(("Chrome", "Safari", "Firefox", "Edge", "Samsung Internet"))
    fields: dict[str, object] = {
        "bn": browser,
        "cd": _spelled(rng, rng.choice((24, 30, 32))),
        "de": rng.choice(("UTF-8", "utf-8", "windows-1252")),
        "ed": rng.choice((None, ABSENT, "", '{"depth":75}', "a=1&b=2")),
        "ev": _spelled(rng, rng.randrange(1, 9)),
        "id": f"{rng.getrandbits(64):016x}",
        "md": rng.choice((mobile, mobile, str(mobile).lower())),
        "sr": f"{width}x{height}",
        "tz": _spelled(rng, rng.choice((-60, -120, 0, 300, -330, -540))),
        "ua": ua or f"Mozilla/5.0 ({system}) {browser}/{rng.randrange(120, 144)}.0",
        "uid": rng.choice((str(UUID(int=rng.getrandbits(128), version=4)), f"GA1.2.{rng.getrandbits(31)}", None)),
        "v": _spelled(rng, rng.choice((1, 2, 2, 3))),
        "vp": f"{width - rng.randrange(20)}x{height - rng.randrange(60, 200)}",
    }
    if rng.random() < UNKNOWN_FIELDS_SHARE:
        fields |= rng.choice(UNKNOWN_FIELDS)
    style = _style(rng)
    return _formatted(fields, style), _formatted(fields | {"ed": ABSENT}, style)


def _id_or_null(rng: Random, value: int) -> object:
    """Usually the value; rarely null, a missing field or 0, which all count as 0."""
    return rng.choices((value, None, ABSENT, 0), (94, 3, 2, 1))[0]


def _spelled(rng: Random, value: int) -> object:
    return rng.choices(NUMBER_SPELLINGS, NUMBER_WEIGHTS)[0](value)


def _members(rng: Random, fields: dict[str, object]) -> bytes:
    """The fields as JSON members without braces, in the format of some tracker."""
    return _formatted(fields, _style(rng))


def _style(rng: Random) -> Style:
    separators = rng.choices(SEPARATORS, SEPARATOR_WEIGHTS)[0]
    return separators, rng.random() < 0.3


def _formatted(fields: dict[str, object], style: Style) -> bytes:
    separators, ensure_ascii = style
    present = {name: value for name, value in fields.items() if value is not ABSENT}
    return json.dumps(present, ensure_ascii=ensure_ascii, separators=separators)[1:-1].encode()
