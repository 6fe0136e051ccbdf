"""Mirrors and repositories come from the user's Maven and jgo settings."""

from pathlib import Path

import pytest

from recruit_assets.runtime.artifacts.repositories import mirrored, read_mirrors, repositories, without_login
from recruit_assets.runtime.errors import UserError

DEFAULT = "default://repository"

SETTINGS = """\
<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
  <mirrors>
    <mirror><id>one</id><mirrorOf>other</mirrorOf><url>mirror://one</url></mirror>
    <mirror><id>two</id><mirrorOf>*,!private</mirrorOf><url>mirror://${env.MIRROR_HOST}/two/</url></mirror>
    <mirror><id>incomplete</id><mirrorOf>*</mirrorOf></mirror>
  </mirrors>
</settings>
"""


@pytest.mark.parametrize(
    ("mirror_of", "expected"),
    [
        ("central", "mirror://m"),
        ("*", "mirror://m"),
        ("external:*", "mirror://m"),
        ("other, central", "mirror://m"),
        ("other", DEFAULT),
        ("*,!central", DEFAULT),
    ],
)
def test_a_mirror_replaces_the_repositories_that_it_names(mirror_of: str, expected: str) -> None:
    assert mirrored("central", DEFAULT, [(mirror_of, "mirror://m")]) == expected


def test_the_first_matching_mirror_is_used() -> None:
    assert (
        mirrored("central", DEFAULT, [("other", "mirror://a"), ("*", "mirror://b"), ("*", "mirror://c")])
        == "mirror://b"
    )


def test_mirrors_are_read_from_maven_settings_with_their_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRROR_HOST", "host")
    settings = tmp_path / "settings.xml"
    settings.write_text(SETTINGS)

    assert read_mirrors(settings) == [("other", "mirror://one"), ("*,!private", "mirror://host/two/")]


def test_without_maven_settings_there_are_no_mirrors() -> None:
    assert read_mirrors(None) == []


def test_settings_that_arent_xml_are_an_error(tmp_path: Path) -> None:
    settings = tmp_path / "settings.xml"
    settings.write_text("<settings>")

    with pytest.raises(UserError, match=r"can't read Maven's settings .*settings\.xml"):
        read_mirrors(settings)


def test_the_users_mirror_replaces_the_default_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MIRROR_HOST", "host")
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(SETTINGS)

    assert repositories() == {"central": "mirror://host/two"}


def test_repositories_of_jgos_configuration_are_used_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / "jgo.conf"
    configuration.write_text("[repositories]\ncompany = company://repository\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(configuration))

    assert repositories()["company"] == "company://repository"


def test_a_login_in_an_address_is_not_shown() -> None:
    assert without_login("404 for https://ann:secret@host/path") == "404 for https://host/path"
