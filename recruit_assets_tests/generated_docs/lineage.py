"""docs/pictures/lineage.svg: the way of an event from the tracker to the report."""

from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from recruit_assets.contract.dead_letters import DLQ_SUFFIX
from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS, JOB, MYSQL_REPORT, RAW_EVENTS

WIDTH, HEIGHT = 1120, 320
BOX_WIDTH, BOX_HEIGHT = 150, 64
STYLE = """\
text { font: 13px system-ui, sans-serif; text-anchor: middle; fill: #1f2933 }
.name { font-weight: 600 } .small { font-size: 12px; fill: #52606d }
rect { fill: #fff; stroke: #52606d } .asset { fill: #e3f2fd; stroke: #1565c0 } .back { fill: #fff; stroke: none }
.band { fill: #f5f7fa; stroke: #cbd2d9; stroke-dasharray: 4 3 }
path { stroke: #52606d; fill: none; stroke-width: 1.5; marker-end: url(#tip) }
#tip path { fill: #52606d; stroke: none }"""
TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker>'
)


@dataclass(frozen=True, slots=True)
class Box:
    """A store, program or reader, by its upper left corner."""

    x: int
    y: int
    name: str
    where: str
    is_asset: bool = False

    def svg(self) -> str:
        middle = self.x + BOX_WIDTH // 2
        kind = ' class="asset"' if self.is_asset else ""
        return (
            f'<rect{kind} x="{self.x}" y="{self.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"/>'
            f'<text class="name" x="{middle}" y="{self.y + 28}">{escape(self.name)}</text>'
            f'<text class="small" x="{middle}" y="{self.y + 47}">{escape(self.where)}</text>'
        )


TOP, BELOW = 60, 170
TRACKER = Box(10, TOP, "tracker", "site, or simulator")
TOPIC = Box(190, TOP, "event topic", "Kafka")
RAW = Box(370, TOP, RAW_EVENTS.name, "Cassandra", is_asset=True)
FILTERED = Box(550, TOP, FILTERED_EVENTS.name, "Spark, Cassandra", is_asset=True)
METRICS = Box(730, TOP, HOURLY_JOB_METRICS.name, "Spark, Cassandra", is_asset=True)
REPORT = Box(910, TOP, MYSQL_REPORT.name, "MySQL", is_asset=True)
DEAD_LETTERS = Box(190, BELOW, f"*{DLQ_SUFFIX}", "dead letters, Kafka")
DIMENSION = Box(800, BELOW, JOB.name, "each job's company")
READERS = Box(960, BELOW, "analysts' views", "Grafana, Power BI")
BOXES = (TRACKER, TOPIC, RAW, FILTERED, METRICS, REPORT, DEAD_LETTERS, DIMENSION, READERS)
WAY = (TRACKER, TOPIC, RAW, FILTERED, METRICS, REPORT)


def lineage_picture() -> str:
    """The picture as SVG."""
    upper, lower = TOP + BOX_HEIGHT, BELOW
    arrows = [_arrow(one.x + BOX_WIDTH, TOP + BOX_HEIGHT // 2, to_x=other.x) for one, other in pairwise(WAY)]
    arrows.append(_arrow(TOPIC.x + BOX_WIDTH // 2, upper, to_y=lower))
    arrows += [_arrow(REPORT.x + 20, lower, to_y=upper), _arrow(REPORT.x + BOX_WIDTH - 30, upper, to_y=lower)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="The way of an event from the tracker to the report">',
        f"<style>{STYLE}</style>",
        f"<defs>{TIP}</defs>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        _band(
            RAW.x - 15,
            12,
            REPORT.x + BOX_WIDTH + 15,
            TOP + BOX_HEIGHT + 15,
            "Dagster: assets by hour, sensor, schedule, checks",
        ),
        *(box.svg() for box in BOXES),
        *arrows,
        _band(TOPIC.x, 258, READERS.x + BOX_WIDTH, 304, "audit: recounts Kafka, Cassandra and MySQL, and compares"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _band(left: int, top: int, right: int, bottom: int, title: str) -> str:
    return (
        f'<rect class="band" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'
        f'<text x="{(left + right) // 2}" y="{top + 28}">{escape(title)}</text>'
    )


def _arrow(x: int, y: int, *, to_x: int | None = None, to_y: int | None = None) -> str:
    """From here, horizontally or vertically."""
    return f'<path d="M{x} {y} L{x if to_x is None else to_x} {y if to_y is None else to_y}"/>'
