"""Builds report pages, and reads their HTML as a browser would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from recruit_assets.contract.measures import MEASURES
from recruit_assets.observability.freshness import Freshness
from recruit_assets.observability.report_page.page import Page
from recruit_assets.stores.mysql.report_state import ReportState
from recruit_assets.stores.mysql.report_summary import Place, Point, Ranking, ReportSummary, Step
from recruit_assets.stores.mysql.totals import NOTHING, Totals
from recruit_assets_tests.support.lags import a_lag

START = datetime(2026, 1, 5, tzinfo=UTC)
NEVER_CLOSED = frozenset({"meta", "br", "path", "use", "rect", "line"})


def some_totals(**by_name: float) -> Totals:
    """Totals that are 0, except for the given measures, named as in the analysts' views."""
    assert by_name.keys() <= {measure.name for measure in MEASURES}
    zeros = zip(MEASURES, NOTHING.numbers, strict=True)
    return Totals(tuple(by_name.get(measure.name, zero) for measure, zero in zeros))


def a_summary(*totals: Totals, step: Step = Step.HOUR, places: Sequence[Place] = ()) -> ReportSummary:
    """A report with one point per total, from START on, and the places as the only ranking."""
    points = tuple(Point(START + index * step.length, one) for index, one in enumerate(totals))
    rankings = (Ranking("job", places, others=NOTHING),) if places else ()
    return ReportSummary(step, points, rankings, sum(totals, NOTHING))


def a_page(summary: ReportSummary, **fields: object) -> Page:
    """The page of an up-to-date report; `fields` replace its defaults."""
    made_at = START + timedelta(days=1)
    current = Freshness(ReportState(made_at), a_lag())
    return Page(**({"made_at": made_at, "summary": summary, "freshness": current} | fields))  # type: ignore[arg-type]


class Reading(HTMLParser):
    """Texts, ids and attributes of a page, and the tags that weren't closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.misplaced: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element with this tag."""
        return [attributes for name, attributes in self.attributes if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.attributes.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in NEVER_CLOSED:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in NEVER_CLOSED:
            return
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "text"}:
            self.texts.append(data)
