"""The argument file and environment of a Java engine."""

from pathlib import Path

from recruit_assets.local.engines.jvm import arguments_mark, environment, java


def test_options_are_in_an_argument_file_in_the_engines_folder(tmp_path: Path) -> None:
    command = java(tmp_path, jars=[Path("/jars/a.jar"), Path("/jars/b.jar")], options=["-Xmx1g"], main=["Main", "x y"])

    assert command.arguments[1:] == (arguments_mark(tmp_path),)
    assert (tmp_path / "java.args").read_text().splitlines()[-5:] == [
        '"-Xmx1g"',
        '"-cp"',
        '"/jars/a.jar:/jars/b.jar"',
        '"Main"',
        '"x y"',
    ]


def test_quotes_and_backslashes_are_escaped_in_the_argument_file(tmp_path: Path) -> None:
    java(tmp_path, jars=[], options=['-Dx=a"b\\c'], main=["Main"])

    assert '"-Dx=a\\"b\\\\c"' in (tmp_path / "java.args").read_text().splitlines()


def test_engines_inherit_no_secrets() -> None:
    assert environment().keys() <= {"PATH", "HOME", "LD_LIBRARY_PATH", "LC_ALL", "TZ"}
    assert environment()["TZ"] == "UTC"
