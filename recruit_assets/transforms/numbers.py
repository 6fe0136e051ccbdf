"""Whole numbers, decided by the decimal text that was sent: a double may round to another number."""

import re
from functools import lru_cache

BEYOND = 10**18
"""Stands for any number that is larger in size, so that a text can't ask for a number of gigabytes."""

_SPELLED = re.compile(r"(-?)([0-9]+)(?:\.0+)?")
_JSON_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_MAX_DIGITS = 18
_EXPONENT_DIGITS = 13
"""The first ones of an exponent; of a longer one only the sign matters, since no text has so many digits."""
_CACHED_CHARACTERS = 32


def spelled_number(text: str) -> int | None:
    """The whole number in a string such as "1" or "1.0"; None if it is none."""
    # the cache must not hold long texts
    return _cached_number(text) if len(text) <= _CACHED_CHARACTERS else _spelled_number(text)


def whole_number_of(text: str) -> int | None:
    """The whole number that a JSON number is, exactly; None if it isn't whole."""
    found = _JSON_NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction, exponent_sign, exponent_text = found.groups(default="")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return 0
    exponent = int(exponent_text.lstrip("0")[:_EXPONENT_DIGITS] or "0") * (-1 if exponent_sign == "-" else 1)
    zeros = exponent - len(fraction) + len(digits) - len(significant)
    return None if zeros < 0 else _signed(sign, significant, zeros)


def _spelled_number(text: str) -> int | None:
    found = _SPELLED.fullmatch(text)
    return None if found is None else _signed(found[1], found[2].lstrip("0") or "0", 0)


_cached_number = lru_cache(maxsize=4096)(_spelled_number)


def _signed(sign: str, digits: str, zeros: int) -> int:
    size = int(digits) * 10**zeros if len(digits) + zeros <= _MAX_DIGITS else BEYOND
    return -size if sign else size
