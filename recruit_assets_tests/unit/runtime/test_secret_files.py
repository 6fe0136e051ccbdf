"""Every secret may be in a file that its variable with _FILE names."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import AccountPasswords, Settings, export, load_settings, variable

SECRETS = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
VALUE = "slack://a/b/c"
"""It passes as any secret, also as the address of an alert."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{VALUE}\n")
    return file


def test_there_are_secrets() -> None:
    assert {"mysql_password", "kafka_password", "privacy_key", "alert_urls", "ui_operator_password"} < set(SECRETS)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_its_file(name: str, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{variable(name)}_FILE", str(secret))
    login = {"kafka_password": {"kafka_user": "a", "kafka_tls_ca": "off"}}
    login |= {"cassandra_password": {"cassandra_user": "a", "cassandra_tls_ca": "off"}}

    assert getattr(load_settings(**login.get(name, {})), name).get_secret_value() == VALUE


def test_the_passwords_of_accounts_are_read_from_files_too(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_ACCOUNT_DAGSTER_FILE", str(secret))

    assert AccountPasswords().dagster.get_secret_value() == VALUE


def test_a_secret_that_is_given_twice_is_an_error_that_names_both(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "other")
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD_FILE", str(secret))

    with pytest.raises(UserError, match=r"^RECRUIT_MYSQL_PASSWORD and RECRUIT_MYSQL_PASSWORD_FILE are both set"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "can't read .*secret: No such file or directory"), (b"\xff\xfe", "secret isn't UTF-8 text$")],
)
def test_a_file_that_holds_no_secret_is_named_with_its_variable(
    content: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("RECRUIT_ALERT_URLS_FILE", str(file))

    with pytest.raises(UserError, match=f"^RECRUIT_ALERT_URLS_FILE: .*{why}"):
        load_settings()


def test_an_empty_file_and_an_empty_variable_are_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "secret"
    empty.write_text("\n")
    monkeypatch.setenv("RECRUIT_ALERT_URLS", "")
    monkeypatch.setenv("RECRUIT_ALERT_URLS_FILE", str(empty))
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD_FILE", "")

    assert load_settings() == Settings()
    assert load_settings().alert_urls.get_secret_value() == ""


def test_exported_settings_can_be_loaded_again(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD_FILE", str(secret))
    settings = load_settings()

    export(settings)

    assert load_settings() == settings
    assert os.environ["RECRUIT_MYSQL_PASSWORD"] == VALUE
