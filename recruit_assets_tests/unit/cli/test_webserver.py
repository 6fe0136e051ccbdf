"""`webserver --require-login` fails closed."""

from pathlib import Path

import pytest

from recruit_assets.cli.webserver import webserver
from recruit_assets.runtime.errors import UserError


@pytest.mark.parametrize("content", [None, "\n"])
def test_a_server_that_must_have_a_login_does_not_start_without_its_password(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any password everybody may operate it."""
    if content is not None:
        secret = tmp_path / "secret"
        secret.write_text(content)
        monkeypatch.setenv("RECRUIT_UI_OPERATOR_PASSWORD_FILE", str(secret))

    with pytest.raises(UserError, match=r"^RECRUIT_UI_OPERATOR_PASSWORD is not set"):
        webserver(tmp_path / "workspace.yaml", host="127.0.0.1", port=3000, require_login=True)
