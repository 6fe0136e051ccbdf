"""A page as HTML: the template's environment, its filters, and the plots put in.

Not here: what is on the page (`page`), where it is written (`write`). The template escapes everything but the plots.
"""

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from recruit_assets.observability.report_page import plots
from recruit_assets.observability.report_page.page import Page

NOTHING = "n/a"


def render(page: Page) -> str:
    """The whole page, in one piece: it needs no other file."""
    environment = Environment(
        loader=PackageLoader("recruit_assets.observability.report_page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": count, "money": money, "percent": percent, "moment": moment, "age": age}
    return environment.get_template("page.html.jinja").render(page=page, plots=_plots(page))


def count(number: float) -> str:
    return f"{number:,.0f}"


def money(amount: float | None) -> str:
    """Bids are whole numbers, so sums are; means aren't."""
    if amount is None:
        return NOTHING
    return f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"


def percent(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.1%}"


def moment(time: datetime | None) -> str:
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def age(seconds: float) -> str:
    """In the largest unit that leaves a number above 1."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def _plots(page: Page) -> dict[str, str]:
    """By name; none for an empty report."""
    summary = page.summary
    if not summary.points:
        return {}
    totals, each = [point.totals for point in summary.points], summary.step.value
    applications, qualified = [one.applications for one in totals], [one.qualified for one in totals]
    return {
        "spend": plots.over_time("spend", [one.spend for one in totals], summary, title=f"Spend per {each}"),
        "clicks": plots.over_time("clicks", [one.clicks for one in totals], summary, title=f"Clicks per {each}"),
        "applications": plots.over_time(
            "applications", applications, summary, title=f"Applications per {each}", second=qualified
        ),
        "funnel": plots.funnel("funnel", summary.totals, title="From click to qualified application"),
    }
