"""The plots of the page: static SVG, which prints, has a few kilobytes and needs no script.

Colours come from the page's style, the font from the reader's browser. The numbers are in the table below the plots.
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

from recruit_assets.contract.measures import Measure
from recruit_assets.stores.mysql.report_summary import ReportSummary
from recruit_assets.stores.mysql.totals import Totals

WIDTH_IN, HEIGHT_IN = 4.9, 2.5
"""Small, because a phone shrinks the plot and its letters with it."""
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
"""Placeholders for the page's colours, which follow the reader's light or dark scheme."""
VARIABLES = {SERIES: "--series", SECOND: "--series-2", TEXT: "--text", LINES: "--lines", BEHIND: "--card"}

_FONT = re.compile(r"font: (?:[a-z]+ )?([\d.]+)px [^;\"]+")
_OUTER = re.compile(r"^.*?<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'(id="|url\(#|href="#)')


def over_time(measure: Measure, summary: ReportSummary, *, part: Measure | None = None) -> Markup:
    """A step per hour or day; `part` is a part of the measure and drawn over it."""
    values = [point.totals[measure] for point in summary.points]
    figure, axes = _figure()
    starts = [date2num(point.start) for point in summary.points]
    edges = [*starts, date2num(summary.end or datetime.min)]
    axes.stairs(values, edges, fill=True, color=SERIES)
    if part:
        parts = [point.totals[part] for point in summary.points]
        axes.stairs(parts, edges, fill=True, facecolor=SECOND, edgecolor=BEHIND, linewidth=0.8)
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
    return _svg(figure, measure.name, f"{measure.title} per {summary.step.value}", description)


def funnel(counts: Sequence[Measure], totals: Totals) -> Markup:
    """A bar per count, each a part of the one above it."""
    figure, axes = _figure()
    steps = {count.title: totals[count] for count in counts}
    axes.barh(list(steps), list(steps.values()), color=SERIES)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, max(*steps.values(), 1) * 1.25)
    for row, count in enumerate(steps.values()):
        axes.annotate(f"{count:,}", (count, row), (6, 0), textcoords="offset points", va="center", color=TEXT)
    return _svg(figure, "funnel", "Funnel", ", ".join(f"{step}: {count:,}" for step, count in steps.items()))


def _figure() -> tuple[Figure, Axes]:
    """An empty figure in the page's colours; not made by pyplot, which would keep a reference to it."""
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
    """The figure as an element of the page, with title and description; `name` makes its ids unique."""
    out = io.StringIO()
    salt: dict[RcKeyType, Any] = {"svg.hashsalt": name}  # so that the same data gives the same ids
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
