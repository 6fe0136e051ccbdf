"""The lines of a file, in bounded memory."""

from collections.abc import Iterator
from typing import BinaryIO

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.importer.rows import RefusedRow
from recruit_assets.runtime.errors import UserError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
SHOWN_BYTES = 1_000
SKIP_BYTES = 1024 * 1024
Line = tuple[int, bytes] | RefusedRow
"""Its number, from 1, and its bytes with the line end; or why it can't be used."""


def numbered_lines(file: BinaryIO, *, max_bytes: int, name: str) -> Iterator[Line]:
    """All lines; one of more than `max_bytes` is refused. UserError if the file is UTF-16."""
    number = 0
    while line := file.readline(max_bytes + 2):
        number += 1
        if number == 1:
            line = _without_mark(line, name)
        if len(line.rstrip(b"\r\n")) > max_bytes:
            _skip_rest(file, line)
            yield too_long(number, line, max_bytes=max_bytes)
        else:
            yield number, line


def too_long(number: int, line: bytes, *, max_bytes: int) -> RefusedRow:
    return RefusedRow(
        number,
        DeadLetterReason.TOO_LARGE,
        f"the line has more than {max_bytes} bytes, which RECRUIT_MAX_EVENT_BYTES allows",
        text=beginning(line),
    )


def not_utf8(number: int, line: bytes, error: UnicodeDecodeError) -> RefusedRow:
    return RefusedRow(
        number,
        DeadLetterReason.NOT_UTF8,
        f"the line isn't UTF-8: byte {line[error.start]:#04x} at {error.start}, {error.reason}",
        text=beginning(line),
    )


def beginning(line: bytes) -> str:
    return line[:SHOWN_BYTES].rstrip(b"\r\n").decode(errors="backslashreplace")


def _without_mark(line: bytes, name: str) -> bytes:
    if line.startswith(UTF16_MARKS) or b"\x00" in line[:2]:
        raise UserError(f"{name} is UTF-16: save it as UTF-8")
    return line.removeprefix(BYTE_ORDER_MARK)


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(SKIP_BYTES)
