"""What is kept of a record that is too large to be kept whole, in memory or in the dead letter topic."""

from collections.abc import Iterable
from hashlib import sha256

KEPT_VALUE_BYTES = 64 * 1024
MAX_RECORD_BYTES = 8 * 1024 * 1024
"""A larger record, decompressed and with key and headers, is cut while it is read. Its dead letter couldn't be sent
whole either: this is the limit of our producers' requests."""
MAX_HEADERS = 10_000
"""A record with more is cut too: an empty header takes 2 bytes in Kafka, but 64 in memory."""


class CutValue(bytes):
    """The beginning of a value, which still knows the original's length and SHA-256."""

    length: int
    sha256: str

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> "CutValue":
        """The beginning of the joined pieces, which are read once and not kept."""
        digest, length, beginning = sha256(), 0, bytearray()
        for piece in pieces:
            digest.update(piece)
            length += len(piece)
            beginning += piece[: KEPT_VALUE_BYTES - len(beginning)]
        cut = cls(beginning)
        cut.length, cut.sha256 = length, digest.hexdigest()
        return cut

    @classmethod
    def withheld(cls, value: bytes) -> "CutValue":
        """Nothing of the value but its length; not even a hash, from which a short value could be guessed."""
        cut = cls()
        cut.length, cut.sha256 = value.length if isinstance(value, CutValue) else len(value), ""
        return cut
