"""The made-up site's job advertisements, and the companies that offer them.

Belongs here: which job ids exist, and what the dimension knows of them. Both depend on a job's rank alone, never on the
seed or another option, so that every simulation into one database agrees with every other. Not here: who clicks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from recruit_assets.simulator.names import COMPANIES, FIRST_COMPANY_ID
from recruit_assets.stores.mysql.dimensions import JobRow

FIRST_JOB_ID = 100_003
JOB_ID_STEP = 37
EXTREME_IDS = {3: 0, 11: 2**31 - 1}
"""By rank: 0 and the greatest 32-bit integer are job ids like any other."""

UNKNOWN_EVERY = (7, 20)
WITHOUT_COMPANY_EVERY = (13, 20)
"""Ranks 7, 27, 47... aren't in the dimension; 13, 33, 53... are, with a null company."""

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
    """A job advertisement; `rank` 0 is the most popular one. Without a company the report shows null."""

    rank: int
    id: int
    title: str
    company_id: int | None
    known: bool


def site_jobs(count: int) -> list[Job]:
    """The `count` most popular jobs, best first."""
    return [_job(rank) for rank in range(count)]


def dimension_rows(jobs: list[Job]) -> Iterator[JobRow]:
    """What is loaded into the dimension: all jobs but the unknown ones."""
    return (JobRow(id=job.id, company_id=job.company_id, title=job.title) for job in jobs if job.known)


def _job(rank: int) -> Job:
    known = rank % UNKNOWN_EVERY[1] != UNKNOWN_EVERY[0]
    has_company = known and rank % WITHOUT_COMPANY_EVERY[1] != WITHOUT_COMPANY_EVERY[0]
    title = f"{OCCUPATIONS[rank % len(OCCUPATIONS)]}, {PLACES[rank // 3 % len(PLACES)]}"
    company_id = FIRST_COMPANY_ID + rank * 31 % COMPANIES if has_company else None
    id = EXTREME_IDS.get(rank, FIRST_JOB_ID + JOB_ID_STEP * rank)
    return Job(rank=rank, id=id, title=title, company_id=company_id, known=known)
