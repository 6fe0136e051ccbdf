"""The simulated site's job advertisements and their companies.

They depend only on a job's rank, not on the seed or other options, so several simulations can share a database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from recruit_assets.simulator.names import COMPANIES, FIRST_COMPANY_ID
from recruit_assets.stores.mysql.dimensions import JobRow

FIRST_JOB_ID = 100_003
JOB_ID_STEP = 37
EXTREME_IDS = {3: 0, 11: 2**31 - 1}
"""By rank: 0 and the largest 32-bit integer are valid job ids."""

UNKNOWN_EVERY = (7, 20)
WITHOUT_COMPANY_EVERY = (13, 20)
"""Ranks 7, 27, 47... aren't in the job table; 13, 33, 53... are, but without a company."""

OCCUPATIONS = (
    "Pflegefachkraft (m/w/d)",
    "Data Engineer",
    "Lagerist:in",
    "Kraftfahrer CE, Nahverkehr",
    "Ingénieur qualité",
    "Camarero/a",
    "看護師・夜勤あり",
    "Программист Java",
    "مهندس شبكات",
    "Barista ☕ part-time",
    "Verkäufer in Teilzeit, 20 Std.",
    'Koch "à la carte"',
)
PLACES = ("Köln", "Zürich", "Łódź", "Lyon", "València", "東京", "Wien", "Malmö", "Dublin", "Αθήνα")


@dataclass(frozen=True, slots=True)
class Job:
    """A job advertisement; `rank` 0 is the most popular. Without a company, the report shows null."""

    rank: int
    id: int
    title: str
    company_id: int | None
    known: bool


def site_jobs(count: int) -> list[Job]:
    """The `count` most popular jobs, the most popular first."""
    return [_job(rank) for rank in range(count)]


def dimension_rows(jobs: list[Job], end_dates: Mapping[int, date] | None = None) -> Iterator[JobRow]:
    """The rows of the job table: all known jobs, with the last day of those that have one."""
    ends = end_dates or {}
    return (
        JobRow(id=job.id, company_id=job.company_id, title=job.title, end_date=ends.get(job.id))
        for job in jobs
        if job.known
    )


def _job(rank: int) -> Job:
    known = rank % UNKNOWN_EVERY[1] != UNKNOWN_EVERY[0]
    has_company = known and rank % WITHOUT_COMPANY_EVERY[1] != WITHOUT_COMPANY_EVERY[0]
    title = f"{OCCUPATIONS[rank % len(OCCUPATIONS)]}, {PLACES[rank // 3 % len(PLACES)]}"
    company_id = FIRST_COMPANY_ID + rank * 31 % COMPANIES if has_company else None
    id = EXTREME_IDS.get(rank, FIRST_JOB_ID + JOB_ID_STEP * rank)
    return Job(rank=rank, id=id, title=title, company_id=company_id, known=known)
