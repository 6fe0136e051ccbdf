"""A backup's file: a tar archive compressed with zstd, whose last member has the SHA-256 of all others.

Without that member the file isn't whole. `tar --zstd -xf FILE` unpacks it and `sha256sum --check SHA256SUMS` compares
it, without this program.
"""

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import zstandard
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import sync

HEADER, SUMS = "backup.json", "SHA256SUMS"
"""The first member and the last."""
LEVEL = 3
CHUNK_BYTES = 1024 * 1024

Progress = Callable[[int, int], object]
"""Takes how many bytes of the files are done, and how many there are."""


class Header(BaseModel):
    """What a backup says of itself. `size_bytes` is that of all files, `settings` has environment variables."""

    model_config = ConfigDict(frozen=True)

    format: int
    created_at: AwareDatetime
    size_bytes: int
    engines: dict[str, str]
    settings: dict[str, str]


def pack(file: Path, header: Header, members: Mapping[str, Path], *, progress: Progress) -> None:
    """Write the files, by their names in the archive, to a new private file.

    It gets its name when all of it is on the disk. UserError if something can't be read or written; nothing is left.
    """
    partial = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            _write(target, header, members, _Meter(header.size_bytes, progress))
            target.flush()
            os.fsync(descriptor)
        partial.replace(file)
        sync(file.parent)
    except OSError as error:
        raise UserError(f"can't make the backup {file}: {_told(error)}. Nothing was written") from error
    finally:
        partial.unlink(missing_ok=True)


def unpack(file: Path, folder: Path, *, accept: Callable[[Header], object], progress: Progress) -> Header:
    """Write the archive's files into a folder; all of them are as they were packed, or it raises.

    `accept` gets the header before anything is written, and may raise. UserError if the archive isn't whole or has
    other content than its checksums; the folder then holds whatever was written so far.
    """
    with _reading(file) as archive:
        members = iter(archive)
        header, found = _read_header(archive, next(members, None))
        accept(header)
        meter = _Meter(header.size_bytes, progress)
        for member in members:
            if member.name == SUMS:
                _compare(found, _content(archive, member).decode(errors="surrogateescape"))
                return header
            found[member.name] = _extract(archive, member, folder, meter)
        raise ValueError("it ends before its checksums")


class _Meter:
    """Adds up what is done."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def advance(self, size: int) -> None:
        self._done += size
        self._progress(self._done, self._total)


class _Counted:
    """A file that is read through once: its SHA-256, and how far it is."""

    def __init__(self, source: IO[bytes], meter: _Meter) -> None:
        self._source, self._meter = source, meter
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._sha256.update(data)
        self._meter.advance(len(data))
        return data

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


def _write(target: IO[bytes], header: Header, members: Mapping[str, Path], meter: _Meter) -> None:
    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=-1, write_checksum=True)
    with (
        compressor.stream_writer(target, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", bufsize=CHUNK_BYTES) as archive,
    ):
        sums = {HEADER: _add_bytes(archive, HEADER, header.model_dump_json(indent=1).encode())}
        for name, path in members.items():
            with path.open("rb") as source:
                sums[name] = _add(archive, name, source, os.fstat(source.fileno()).st_size, meter)
        lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items())
        _add_bytes(archive, SUMS, lines.encode(errors="surrogateescape"))


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> str:
    return _add(archive, name, io.BytesIO(content), len(content), _Meter(len(content), lambda *_: None))


def _add(archive: tarfile.TarFile, name: str, source: IO[bytes], size: int, meter: _Meter) -> str:
    """Add a regular file, whatever links lead to it; returns its SHA-256."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    counted = _Counted(source, meter)
    archive.addfile(member, counted)
    return counted.sha256


@contextmanager
def _reading(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with (
            file.open("rb") as source,
            zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as plain,
            tarfile.open(fileobj=plain, mode="r|", bufsize=CHUNK_BYTES) as archive,
        ):
            yield archive
    except (zstandard.ZstdError, tarfile.TarError, ValueError) as error:
        raise UserError(f"{file} is damaged, or isn't a backup: {error}. Nothing was restored") from error
    except OSError as error:
        raise UserError(f"can't restore {file}: {_told(error)}. Nothing was restored") from error


def _read_header(archive: tarfile.TarFile, first: tarfile.TarInfo | None) -> tuple[Header, dict[str, str]]:
    """The header, and its SHA-256 by its name; ValueError if there is none."""
    if first is None or first.name != HEADER:
        raise ValueError(f"its first member isn't {HEADER}")
    content = _content(archive, first)
    try:
        return Header.model_validate_json(content), {HEADER: hashlib.sha256(content).hexdigest()}
    except ValidationError as error:
        raise ValueError(f"its {HEADER} isn't one of a backup") from error


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = archive.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} isn't a file")
    return source.read()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, meter: _Meter) -> str:
    """Write a file that only its owner can read; returns its SHA-256. ValueError or TarError if it isn't ours."""
    inside = tarfile.data_filter(member, str(folder))  # raises if the name leads out of the folder
    source = archive.extractfile(member) if member.isreg() else None
    if source is None or inside.name != member.name:  # that of an absolute path would be
        raise ValueError(f"{member.name} isn't a file below the state directory")
    target = folder / member.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    counted = _Counted(source, meter)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
        shutil.copyfileobj(counted, copy, CHUNK_BYTES)
    return counted.sha256


def _compare(found: Mapping[str, str], sums: str) -> None:
    """ValueError naming the first file that differs from the checksums."""
    wanted = {name: sha256 for sha256, _, name in (line.partition("  ") for line in sums.split("\n") if line)}
    for name in {**wanted, **found}:
        if wanted.get(name) != found.get(name):
            raise ValueError(f"{name} isn't what was packed")


def _told(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
