"""The names of the simulated site's companies, publishers, campaigns and groups.

A name depends only on the id, so several simulations can share a database. A few have no name, as on a real site.
"""

from collections.abc import Mapping

from recruit_assets.contract.analyst_model import CAMPAIGN, COMPANY, JOB_GROUP, PUBLISHER
from recruit_assets.contract.types import SqlTable
from recruit_assets.simulator.spec import SimulationSpec

FIRST_COMPANY_ID, COMPANIES = 501, 83
FIRST_PUBLISHER_ID = 41
FIRST_CAMPAIGN_ID = 7001
FIRST_GROUP_ID = 301

NAMELESS_EVERY = 11
"""The 11th, 22nd... of each kind have no row in the name table."""

TOWNS = ("Köln", "Zürich", "Łódź", "Lyon", "València", "Wien", "Malmö", "Dublin", "Αθήνα")
TRADES = ("Klinik", "Logistik", "Software", "Bäckerei", "Hotel", "Energie", "Autohaus")
SITES = ("jobs.example", "stellen.example", "karriere.example", "emploi.example", "空席.example", "work.example")
SEASONS = ("Frühjahr", "Sommer", "Herbst", "Winter")
AIMS = ("Retargeting", "Azubi-Börse", "Nachtschicht", "Führungskräfte", "Quereinstieg")
FIELDS = ("Pflege", "Technik", "Verkehr", "Gastronomie", "Verwaltung")


def site_names(spec: SimulationSpec) -> Mapping[SqlTable, Mapping[int, str]]:
    """The rows of the name tables, by table and id."""
    return {
        COMPANY: _named(FIRST_COMPANY_ID, [f"{_of(TRADES, i)} {_of(TOWNS, i)} {i + 1}" for i in range(COMPANIES)]),
        PUBLISHER: _named(FIRST_PUBLISHER_ID, [f"{i + 1}.{_of(SITES, i)}" for i in range(spec.publishers)]),
        CAMPAIGN: _named(
            FIRST_CAMPAIGN_ID, [f"{_of(AIMS, i)} {_of(SEASONS, i)} {i + 1}" for i in range(spec.campaigns)]
        ),
        JOB_GROUP: _named(FIRST_GROUP_ID, [f"{_of(FIELDS, i)} {i + 1}" for i in range(spec.groups)]),
    }


def _of(words: tuple[str, ...], number: int) -> str:
    return words[number % len(words)]


def _named(first_id: int, names: list[str]) -> Mapping[int, str]:
    return {first_id + i: name for i, name in enumerate(names) if (i + 1) % NAMELESS_EVERY}
