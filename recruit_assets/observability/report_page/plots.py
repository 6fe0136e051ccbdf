"""The plots of the page, as SVG elements that take their colours from the page's style and their font from the reader.

Belongs here: matplotlib, and making its SVG fit into a page: unique ids, a title and a description for those who don't
see it. Not here: tables. Static SVG was chosen over scripted plots: it prints, it is some kilobytes small and it needs
no script; what a pointer would show is in the table behind each plot.
"""

import io
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.typing import RcKeyType

from recruit_assets.stores.mysql.report_summary import ReportSummary, Totals

WIDTH_IN, HEIGHT_IN = 4.9, 2.5
"""So small that its letters, which shrink with it, can be read on a phone."""
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
}
SERIES, SECOND, TEXT, LINES, BEHIND = "#010101", "#020202", "#030303", "#040404", "#050505"
"""Stand for the page's colours, which a reader's dark or light scheme decides."""
VARIABLES = {SERIES: "--series", SECOND: "--series-2", TEXT: "--text", LINES: "--lines", BEHIND: "--card"}

_FONT = re.compile(r"font: (?:[a-z]+ )?([\d.]+)px [^;\"]+")
_OUTER = re.compile(r"^.*?<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'(id="|url\(#|href="#)')


def over_time(
    name: str, values: Sequence[float], summary: ReportSummary, *, title: str, second: Sequence[float] = ()
) -> Markup:
    """A step per hour or day; `second` is a part of the values and drawn over them."""
    figure, axes = _figure()
    starts = [date2num(point.start) for point in summary.points]
    edges = [*starts, date2num(summary.end or datetime.min)]
    axes.stairs(values, edges, fill=True, color=SERIES)
    if second:
        axes.stairs(second, edges, fill=True, facecolor=SECOND, edgecolor=BEHIND, linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, max([*values, 1]) * 1.05)
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    highest = max(range(len(values)), key=values.__getitem__)
    at = summary.points[highest].start
    description = (
        f"{sum(values):,.0f} in {len(values)} {summary.step.value}s; the most, {values[highest]:,.0f}, from "
        f"{at:%Y-%m-%d %H:%M} UTC on."
    )
    return _svg(figure, name, title, description)


def funnel(name: str, totals: Totals, *, title: str) -> Markup:
    """How many of the clicks became applications, and of these qualified ones."""
    figure, axes = _figure()
    steps = {"Clicks": totals.clicks, "Applications": totals.applications, "Qualified": totals.qualified}
    axes.barh(list(steps), list(steps.values()), color=SERIES)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, max(*steps.values(), 1) * 1.25)
    for row, count in enumerate(steps.values()):
        axes.annotate(f"{count:,}", (count, row), (6, 0), textcoords="offset points", va="center", color=TEXT)
    return _svg(figure, name, title, ", ".join(f"{step}: {count:,}" for step, count in steps.items()))


def _figure() -> tuple[Figure, Axes]:
    """An empty figure in the page's colours; without pyplot, which would keep it for ever."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.tick_params(colors=TEXT, color=LINES)
    axes.grid(axis="y", color=LINES)
    axes.xaxis.get_offset_text().set_color(TEXT)
    for spine in axes.spines.values():
        spine.set_color(LINES)
    return figure, axes


def _svg(figure: Figure, name: str, title: str, description: str) -> Markup:
    """The figure as an element to be put into a page, described; `name` makes its ids unique there."""
    out = io.StringIO()
    salt: dict[RcKeyType, Any] = {"svg.hashsalt": name}  # ids are the same for the same data
    with mpl.rc_context(STYLE | salt):
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = _METADATA.sub("", out.getvalue())
    svg = _ID.sub(rf"\g<1>{name}-", svg)
    svg = _FONT.sub(r"font-size: \1px", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    head = (
        rf'<svg viewBox="\1" role="img" aria-labelledby="{name}-title {name}-description">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>'
    )
    return Markup(_OUTER.sub(head, svg, count=1))  # noqa: S704  # matplotlib's own output and escaped texts
