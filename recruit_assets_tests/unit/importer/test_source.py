"""A file's format, its rows through compression, and what is wrong with a file as a whole."""

import gzip
import hashlib
from pathlib import Path

import pytest

from recruit_assets.importer.rows import Row
from recruit_assets.importer.source import Format, Source, source_of
from recruit_assets.runtime.errors import UserError


def a_source(path: Path, *, format: Format | None = None, delimiter: str | None = None) -> Source:
    return source_of(path, format=format, delimiter=delimiter, max_bytes=1_000)


@pytest.mark.parametrize(
    ("name", "format", "delimiter"),
    [
        ("f.csv", Format.CSV, ","),
        ("F.CSV.GZ", Format.CSV, ","),
        ("f.tsv", Format.CSV, "\t"),
        ("f.jsonl", Format.JSONL, ","),
        ("f.ndjson.gz", Format.JSONL, ","),
        ("f.2026.parquet", Format.PARQUET, ","),
    ],
)
def test_the_suffix_tells_the_format(name: str, format: Format, delimiter: str) -> None:
    source = a_source(Path(name))

    assert (source.format, source.delimiter) == (format, delimiter)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("f.xlsx", {}, "the format of f.xlsx is unknown: use --format csv, jsonl, parquet"),
        ("f.gz", {}, "the format of f.gz is unknown"),
        ("f.parquet.gz", {}, "unpack the file first"),
        ("f.jsonl", {"delimiter": ";"}, "--delimiter is for CSV, f.jsonl is jsonl"),
        ("f.csv", {"delimiter": ";;"}, "--delimiter must be one character"),
        ("f.csv", {"delimiter": '"'}, "--delimiter must be one character"),
        ("f.csv", {"delimiter": ""}, "--delimiter must be one character"),
    ],
)
def test_options_that_do_not_fit_are_user_errors(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        a_source(Path(name), **options)  # type: ignore[arg-type]  # a delimiter only


def test_an_option_overrides_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("a\\tb\n1\t2\n".replace("\\t", "\t"))

    assert list(a_source(path, format=Format.CSV, delimiter="\\t").rows()) == [Row(2, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(("name", "content"), [("f.csv.gz", b"a\n1\n2\n"), ("f.jsonl.gz", b'\n{"a":"1"}\n{"a":"2"}')])
def test_a_compressed_file_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content))
    source = a_source(path)

    assert list(source.rows()) == [Row(2, {"a": "1"}), Row(3, {"a": "2"})]
    assert source.scan().last == 0


def test_a_scan_has_the_content_s_hash_and_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"a\n1\n2")

    assert a_source(path).scan().digest == hashlib.sha256(b"a\n1\n2").hexdigest()
    assert a_source(path).scan().last == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n1\n", "damaged after line 0"),
        (gzip.compress(b"a\n" + b"12345\n" * 9_000)[:-20], r"damaged after line \d+"),
    ],
)
def test_a_damaged_compressed_file_is_a_user_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "f.csv.gz"
    path.write_bytes(content)

    with pytest.raises(UserError, match=message):
        list(a_source(path).rows())
