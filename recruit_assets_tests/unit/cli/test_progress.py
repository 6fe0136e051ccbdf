"""Progress bars appear on a terminal only."""

import io

import pytest
from rich.console import Console

from recruit_assets.cli import progress
from recruit_assets.cli.progress import progress_bars


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=output, force_terminal=is_terminal, width=100))

    with progress_bars() as update:
        update("Kafka", 5, 10)
        update("Cassandra", 3, 0)

    shown = [text in output.getvalue() for text in ("Kafka", "5/10", "Cassandra", "3/?")]
    assert shown == [is_terminal] * 4
