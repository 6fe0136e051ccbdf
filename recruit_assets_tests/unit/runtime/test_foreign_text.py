"""Text that others wrote can't control a terminal, forge a line of a log, or become Markdown."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from recruit_assets.observability.audit.results import AuditResult, RuleResult, Span
from recruit_assets.observability.audit.table import show
from recruit_assets.runtime import echo as terminal
from recruit_assets.runtime.foreign_text import markdown, printable

CLEARS = "\x1b[2J\x07\u202eexe\x9b31m\ud83d\x7f"
SHOWN = r"\x1b[2J\x07\u202eexe\x9b31m\ud83d\x7f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (CLEARS, SHOWN),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("Zürich 🦊 \\n", "Zürich 🦊 \\n"),
        ("", ""),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_can_be_kept() -> None:
    assert printable("a\nb\r\x1b", keep="\n") == "a\nb\\r\\x1b"


def test_markdown_shows_html_links_images_and_cells_as_they_are() -> None:
    text = "<script>alert(1)</script> ![x](http://a) `c` a|b *d* _e_ \\ &amp;\n| next"
    assert markdown(text) == (
        "&lt;script&gt;alert(1)&lt;/script&gt; !\\[x\\](http://a) \\`c\\` a\\|b \\*d\\* \\_e\\_ \\\\ &amp;amp;"
        "\\\\n\\| next"
    )


def test_a_line_for_the_terminal_can_not_control_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=out, width=200))

    terminal.echo(f"two lines:\n{CLEARS}")

    assert out.getvalue() == f"two lines:\n{SHOWN}\n"


def test_the_table_of_an_audit_can_not_control_the_terminal() -> None:
    out = io.StringIO()
    span = Span("t", (), records=0, foreign_records=1, foreign_examples=(f"t.dlq/0/3: {CLEARS}",))
    rule = RuleResult("dead letters", "a promise", 1, 0, 1, (f"missing: {CLEARS}",))

    show(AuditResult(span, (rule,)), Console(file=out, width=200))

    assert "\x1b" not in out.getvalue()
    assert f"dead letters: missing: {SHOWN}" in out.getvalue()
    assert f"1 record of the dead letter topic, such as t.dlq/0/3: {SHOWN}" in out.getvalue()


CODE = f"""
import logging
from recruit_assets.runtime.logs import configure_logs
configure_logs("ingest-0")
try:
    raise ValueError({CLEARS!r})
except ValueError:
    logging.exception("what:\\n2026 ERROR forged: %s", {CLEARS!r})
"""


def test_a_message_of_the_log_is_one_line() -> None:
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stderr

    first, second, *_, last = said.splitlines()
    assert first.endswith(rf"ERROR ingest-0: what:\n2026 ERROR forged: {SHOWN}")
    assert second == "Traceback (most recent call last):"
    assert last == f"ValueError: {SHOWN}"
