"""How the console script ends: the exit code after a signal, for every command."""

import signal
import sys

import pytest

from recruit_assets.cli.main import main
from recruit_assets.runtime.signals import ENDING


@pytest.mark.parametrize("ending", ENDING)
def test_a_signal_unwinds_the_command_and_ends_it_with_130(
    ending: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGTERM would otherwise end it on the spot: engines stay, files are half written."""
    unwound = []

    def apply_accounts(*_: object) -> None:
        try:
            signal.raise_signal(ending)
        finally:
            unwound.append(True)

    monkeypatch.setattr("recruit_assets.stores.mysql.accounts.apply_accounts", apply_accounts)
    monkeypatch.setattr(sys, "argv", ["recruit-assets", "accounts", "apply"])

    with pytest.raises(SystemExit) as end:
        main()

    assert (end.value.code, unwound) == (130, [True])
    assert "Traceback" not in capsys.readouterr().err
