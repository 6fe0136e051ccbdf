"""A backup's file is whole or refused, private, and readable by tar and sha256sum."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from recruit_assets.local.archive import HEADER, SUMS, Header, pack, unpack
from recruit_assets.runtime.errors import UserError

CONTENTS = {
    "engines/kafka/data/0.log": b"records" * 1000,
    "engines/mariadb/data/größe.ibd": b"",
    "dagster/runs.db": b"r",
}
SIZE = sum(map(len, CONTENTS.values()))
ABOUT = Header(
    format=1,
    created_at=datetime(2026, 1, 5, 7, tzinfo=UTC),
    size_bytes=SIZE,
    engines={"kafka": "4.4.0"},
    settings={"RECRUIT_KAFKA_TOPIC": "raw_events"},
)
Member = tuple[str, bytes]


def quiet(*_: object) -> None:
    """Progress, or acceptance, that nobody looks at."""


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Path]:
    """The files, somewhere."""
    for name, content in CONTENTS.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(content)
    return {name: tmp_path / "source" / name for name in CONTENTS}


@pytest.fixture
def packed(members: Mapping[str, Path], tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar.zst"
    pack(file, ABOUT, members, progress=quiet)
    return file


def unpacked(file: Path, folder: Path) -> dict[str, bytes]:
    """The contents by name."""
    unpack(file, folder, accept=quiet, progress=quiet)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def plain(file: Path) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read()


def members_of(file: Path) -> list[Member]:
    with tarfile.open(fileobj=io.BytesIO(plain(file))) as archive:
        return [(each.name, archive.extractfile(each).read()) for each in archive]  # type: ignore[union-attr]  # files


def write_archive(file: Path, members: Iterable[Member]) -> None:
    """As an attacker or another program would."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in members:
            each = tarfile.TarInfo(name)
            each.size = len(content)
            archive.addfile(each, io.BytesIO(content))
    file.write_bytes(zstandard.compress(tar.getvalue()))


def with_sums(members: Iterable[Member]) -> list[Member]:
    listed = list(members)
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in listed)
    return [*listed, (SUMS, lines.encode())]


def test_what_is_unpacked_is_what_was_packed(packed: Path, tmp_path: Path) -> None:
    accepted: list[Header] = []

    header = unpack(packed, tmp_path / "target", accept=accepted.append, progress=quiet)

    assert unpacked(packed, tmp_path / "other") == CONTENTS
    assert [header] == accepted == [ABOUT]


def test_only_the_owner_can_read_the_backup_and_what_is_restored(packed: Path, tmp_path: Path) -> None:
    unpacked(packed, tmp_path / "target")

    places = [packed, *(tmp_path / "target" / "engines").rglob("*")]
    assert {place.stat().st_mode & 0o077 for place in places if place.is_file()} == {0}


def test_tar_and_sha256sum_can_check_it_without_us(packed: Path) -> None:
    *others, (last, sums) = members_of(packed)

    assert others[0][0] == HEADER
    assert with_sums(others)[-1] == (last, sums)


def test_progress_reaches_the_total(members: Mapping[str, Path], packed: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    pack(tmp_path / "second", ABOUT, members, progress=lambda *numbers: seen.append(numbers))
    unpack(packed, tmp_path / "target", accept=quiet, progress=lambda *numbers: seen.append(numbers))

    assert seen.count((SIZE, SIZE)) >= 2
    assert max(seen) == (SIZE, SIZE)


@pytest.mark.parametrize("kept", [0, 0.01, 0.3, 0.9])
def test_a_truncated_backup_is_refused(kept: float, packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[: int(kept * len(content))])

    with pytest.raises(UserError, match=r"backup\.tar\.zst is damaged, or isn't a backup: .*Nothing was restored"):
        unpacked(packed, tmp_path / "target")


@pytest.mark.parametrize("damage", ["flipped bit", "cut off"])
def test_no_damage_restores_anything_else(damage: str, packed: Path, tmp_path: Path) -> None:
    """Refused, or all there: the last bytes come after the checksums, and some of a frame's bits mean nothing."""
    content = packed.read_bytes()

    for place in range(0, len(content), 7):
        flipped = bytes([content[place] ^ 0x10])
        packed.write_bytes(content[:place] + (flipped + content[place + 1 :] if damage == "flipped bit" else b""))
        try:
            found = unpacked(packed, tmp_path / str(place))
        except UserError:
            continue
        assert found == CONTENTS, place


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda kept: [kept[0], (kept[1][0], b"other"), *kept[2:]], r"engines/kafka/data/0\.log isn't what was packed"),
        (lambda kept: [kept[0], *kept[2:]], r"0\.log isn't what was packed"),
        (lambda kept: [*kept[:-1], ("engines/kafka/more", b""), kept[-1]], "engines/kafka/more isn't what was packed"),
        (lambda kept: kept[:-1], "it ends before its checksums"),
        (lambda kept: kept[1:], r"its first member isn't backup\.json"),
        (lambda kept: [(HEADER, b"{}"), *kept[1:]], r"its backup\.json isn't one of a backup"),
        (lambda kept: with_sums([*kept[:-1], ("../outside", b"")]), "outside the destination"),
        (lambda kept: with_sums([*kept[:-1], ("/outside", b"")]), "/outside isn't a file below the state directory"),
    ],
)
def test_another_content_is_refused_with_its_reason(
    change: Callable[[list[Member]], list[Member]], why: str, packed: Path, tmp_path: Path
) -> None:
    write_archive(packed, change(members_of(packed)))

    with pytest.raises(UserError, match=why):
        unpacked(packed, tmp_path / "target")
    assert not (tmp_path / "outside").exists()


def test_a_link_is_refused(packed: Path, tmp_path: Path) -> None:
    """What follows could be written through it, anywhere."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        header = tarfile.TarInfo(HEADER)
        content = members_of(packed)[0][1]
        header.size = len(content)
        archive.addfile(header, io.BytesIO(content))
        link = tarfile.TarInfo("engines/link")
        link.type, link.linkname = tarfile.SYMTYPE, "other"
        archive.addfile(link)
    packed.write_bytes(zstandard.compress(tar.getvalue()))

    with pytest.raises(UserError, match="engines/link isn't a file below"):
        unpacked(packed, tmp_path / "target")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no backup")

    with pytest.raises(UserError, match=r"notes\.txt is damaged, or isn't a backup"):
        unpacked(file, tmp_path / "target")


def test_a_backup_that_fails_leaves_nothing(members: dict[str, Path], tmp_path: Path) -> None:
    missing = members | {"engines/gone": tmp_path / "gone"}

    with pytest.raises(UserError, match=r"can't make the backup .*/gone: No such file or directory"):
        pack(tmp_path / "backup.tar.zst", ABOUT, missing, progress=quiet)

    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_an_interrupted_backup_leaves_nothing(members: dict[str, Path], tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(tmp_path / "backup.tar.zst", ABOUT, members, progress=interrupt)

    assert [path.name for path in tmp_path.iterdir()] == ["source"]
