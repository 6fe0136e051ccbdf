"""The findings as a table for the terminal, a line each, and as JSON."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recruit_assets.observability.doctor.verdict import Finding, State, Verdict, all_is_well
from recruit_assets.runtime.foreign_text import printable

STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red", State.SKIPPED: "dim"}
MAX_WIDTH = 10_000


def as_document(findings: Sequence[Finding]) -> dict[str, object]:
    """The JSON output; scripts depend on its keys, and on the names of subjects and checks."""
    return {
        "healthy": all_is_well(findings),
        "checks": [
            {
                "subject": one.subject,
                "check": one.check,
                "state": one.verdict.state.value,
                "found": one.verdict.found,
                "remedy": one.verdict.remedy,
            }
            for one in findings
        ],
    }


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print a line for each finding, then how many are wrong. Without a terminal, no line is wrapped.

    What wasn't looked at for the same reason shares a line.
    """
    table = Table("state", "subject", "check", "what was found", "what to do", box=SIMPLE_HEAD, pad_edge=False)
    for subject, verdict, names in _rows(findings):
        state = f"[{STYLES[verdict.state]}]{verdict.state}[/]"
        table.add_row(state, *(escape(printable(text)) for text in (subject, names, verdict.found, verdict.remedy)))
    if not console.is_terminal:
        console = Console(file=console.file, width=Console(width=MAX_WIDTH).measure(table).maximum)
    console.print(table)
    console.print(_summary(findings), markup=False, highlight=False, soft_wrap=True)


def _rows(findings: Sequence[Finding]) -> Iterator[tuple[str, Verdict, str]]:
    """Subject, verdict, and the name of the check or of the first of several."""
    for (subject, verdict), group in groupby(findings, key=lambda one: (one.subject, one.verdict)):
        names = [one.check for one in group]
        if verdict.state is State.SKIPPED:
            yield subject, verdict, names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        else:
            yield from ((subject, verdict, name) for name in names)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(one.verdict.state is state for one in findings) for state in State}
    failed, warned, not_looked_at = counts[State.FAIL], counts[State.WARN], counts[State.SKIPPED]
    wrong = f"{failed} failed, {warned} warned" if failed or warned else "nothing is wrong"
    return f"{wrong}; {counts[State.OK]} ok, {not_looked_at} not looked at"
