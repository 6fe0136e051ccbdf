"""The guides in the metadata of assets, as the UI shows them."""

from pathlib import Path

import pytest

from recruit_assets.defs.assets import documentation
from recruit_assets.defs.assets.documentation import guide


def test_the_text_is_shown_and_only_web_links_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\nSee [security](security.md#tls) and [Dagster](https://dagster.io).")
    monkeypatch.setattr(documentation, "REPOSITORY", tmp_path)

    assert guide("a.md").value == "# A\nSee security and [Dagster](https://dagster.io)."


def test_without_the_guides_an_installed_package_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documentation, "REPOSITORY", tmp_path)

    assert guide("operators.md").value == "See `docs/operators.md` in the repository."
