"""A page as HTML: the template's environment and filters, and the plots. The template escapes everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recruit_assets.contract.measures import (
    APPLICATIONS,
    CLICKS,
    COUNTS,
    KPIS,
    QUALIFIED,
    SPEND,
    SUMS,
    Kpi,
    Measure,
)
from recruit_assets.observability.budgets import month_name
from recruit_assets.observability.report_page import plots
from recruit_assets.observability.report_page.page import Page
from recruit_assets.stores.mysql.report_summary import RANKED_BY, ReportSummary
from recruit_assets.stores.mysql.totals import Totals

NOTHING = "n/a"
SHOWN = (*SUMS, *COUNTS)
FUNNEL = (CLICKS, APPLICATIONS, QUALIFIED)


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its caption; `part` says what the second colour shows."""

    title: str
    about: str
    svg: Markup
    part: str = ""


def render(page: Page) -> str:
    """The whole page, in one piece: it needs no other file."""
    environment = Environment(
        loader=PackageLoader("recruit_assets.observability.report_page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count, "number": number, "key_figure": key_figure, "moment": moment, "age": age, "percent": percent,
        "money": money, "month": month_name,
    }  # fmt: skip
    return environment.get_template("page.html.jinja").render(
        page=page,
        measures=SHOWN,
        kpis=KPIS,
        ranked_by=RANKED_BY,
        clicked=CLICKS,
        spent=SPEND,
        plots=_plots(page.summary),
    )


def number(totals: Totals, measure: Measure) -> str:
    """The total of a measure."""
    return count(totals[measure]) if measure in COUNTS else money(totals[measure])


def key_figure(totals: Totals, kpi: Kpi) -> str:
    ratio = totals.ratio(kpi)
    return percent(ratio) if kpi.is_share else money(ratio)


def count(number: float) -> str:
    return f"{number:,.0f}"


def money(amount: float | None) -> str:
    """Without decimals if it is whole, as every sum of bids is."""
    if amount is None:
        return NOTHING
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def percent(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.1%}"


def moment(time: datetime | None) -> str:
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def age(seconds: float) -> str:
    """In the largest unit of which it has two or more."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def _plots(summary: ReportSummary) -> Sequence[Plot]:
    """None for an empty report."""
    if not summary.points:
        return []
    per = f" per {summary.step.value}, UTC"
    return [
        Plot(SPEND.title, per, plots.over_time(SPEND, summary)),
        Plot(CLICKS.title, per, plots.over_time(CLICKS, summary)),
        Plot(APPLICATIONS.title, per, plots.over_time(APPLICATIONS, summary, part=QUALIFIED), part=QUALIFIED.title),
        Plot("Funnel", f": from {FUNNEL[0].title} to {FUNNEL[-1].title}", plots.funnel(FUNNEL, summary.totals)),
    ]
