"""Regular expressions of landing URLs, in a form that Python and Java read the same way and that can't take long.

Allowed are characters, escaped punctuation, \\d and \\w (ASCII), `.`, sets such as [a-z0-9-] and [^/], the quantifiers
?, *, +, {n}, {m,n} after one of these, groups (?:a|b), which may be followed by ?, ^ at the beginning and $ at the end.
Repeated groups, lookaround, back references and flags are not: with them, a URL can be made on which a search never
ends.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_URL = 1_000
"""Characters of a URL that are looked at: a quantifier may be tried on each of them."""
MOST_STEPS = 10_000_000
"""Upper bound for the steps of a search: so many take Java 50 ms."""
MOST_CHARACTERS = 200
GROUP = "job_id"

_NOT_ASCII = "\u0080"
"""Stands for all characters that aren't ASCII."""
_CHARACTERS = frozenset(map(chr, range(0x81)))
_DIGITS, _WORD = "0-9", "0-9A-Za-z_"
_SETS = {"d": _DIGITS, "w": _WORD}
_MEMBERS = {_DIGITS: frozenset(string.digits), _WORD: frozenset(string.digits + string.ascii_letters + "_")}
_RANGES = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_QUANTIFIER = re.compile(r"([?*+])|\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")
_NAMED = re.compile(r"\(\?P?<(\w+)>")
_ENDS = re.compile(r"(?<!\\)(?:\\\\)*\$$")
_END = r"(?![\s\S])"
"""The very end: $ would also match before a line feed at the end."""


@dataclass(frozen=True, slots=True)
class _Character:
    """One of some characters, `least` to `most` times."""

    text: str
    members: frozenset[str]
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True)
class _Group:
    """One of some sequences; the job's id if it is named."""

    alternatives: Sequence[Sequence["_Character | _Group"]]
    named: bool
    optional: bool


_Sequence = Sequence[_Character | _Group]


def portable(pattern: str) -> str:
    """The pattern in the form that Python and Java share, with the job's id as its only group.

    ValueError if it uses something else, has no group `job_id`, or could take too long.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise ValueError(f"has {len(pattern)} characters, at most {MOST_CHARACTERS} are allowed")
    begins, ends = pattern.startswith("^"), bool(_ENDS.search(pattern))
    reader = _Reader(pattern[begins : len(pattern) - ends])
    whole = reader.sequence()
    if reader.rest:
        raise ValueError(f"has {reader.rest[0]} outside of a group before {reader.rest[1:]!r}: write (?:...|...)")
    if reader.names != [GROUP]:
        raise ValueError(f"must have exactly one group (?<{GROUP}>...), which is the job's id")
    steps, _ = _steps(whole, 0, frozenset() if ends else None)
    steps *= 1 if begins else LONGEST_URL
    if steps > MOST_STEPS:
        raise ValueError(
            f"could take {steps:,} steps on a URL of {LONGEST_URL:,} characters, at most {MOST_STEPS:,} are allowed: "
            "begin it with ^, use fewer *, + and {m,n}, or such as can't match what follows them: [^/]+/ and not .+/"
        )
    return f"{'^' * begins}{_text(whole)}{_END * ends}"


def _text(sequence: _Sequence) -> str:
    return "".join(
        one.text
        if isinstance(one, _Character)
        else f"{'(' if one.named else '(?:'}{'|'.join(map(_text, one.alternatives))}){'?' * one.optional}"
        for one in sequence
    )


def _steps(sequence: _Sequence, after: int, follow: frozenset[str] | None) -> tuple[int, frozenset[str] | None]:
    """At most so many steps fail at a place of the URL, and the characters that can come first.

    `after` are the steps of what follows the sequence, and `follow` its first characters; None if nothing follows. A
    quantifier that can't match what follows has one length at which that is tried, any other has many.
    """
    for one in reversed(sequence):
        if isinstance(one, _Group):
            parts = [_steps(part, after, follow) for part in one.alternatives]
            after = sum(steps for steps, _ in parts) + after * one.optional
            firsts = [first for _, first in parts] + [follow] * one.optional
            follow = None if None in firsts else frozenset().union(*(first or () for first in firsts))
            continue
        lengths = one.most - one.least + 1
        if follow is None:  # where it matches, the search has ended
            after = one.least
        elif lengths == 1 or one.members.isdisjoint(follow):
            after += one.most
        else:
            after = lengths * (after + 1) + one.least
        if one.least:
            follow = one.members
        elif follow is not None:
            follow |= one.members
    return after + 1, follow


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.rest = pattern
        self.names: list[str] = []

    def sequence(self) -> _Sequence:
        """One part after the other, up to the end, a | or a closing parenthesis."""
        parts: list[_Character | _Group] = []
        while self.rest and self.rest[0] not in "|)":
            parts.append(self._group() if self.rest[0] == "(" else self._repeated(self._one()))
        return parts

    def _group(self) -> _Group:
        named = _NAMED.match(self.rest)
        if named:
            self.names.append(named[1])
            self._take(len(named[0]))
        elif self.rest.startswith("(?:"):
            self._take(3)
        else:
            raise ValueError(f"must begin its groups with (?<{GROUP}> or (?:, not as in {self.rest[:9]!r}")
        alternatives = [self.sequence()]
        while self.rest.startswith("|"):
            self._take(1)
            alternatives.append(self.sequence())
        if not self.rest:
            raise ValueError("lacks a )")
        self._take(1)
        optional = not named and self.rest.startswith("?")
        self._take(optional)
        if _QUANTIFIER.match(self.rest):
            raise ValueError(f"must not repeat a group, as before {self.rest[:9]!r}: only (?:...)? is allowed")
        return _Group(alternatives, bool(named), optional)

    def _repeated(self, one: _Character) -> _Character:
        found = _QUANTIFIER.match(self.rest)
        if not found:
            return one
        self._take(len(found[0]))
        if self.rest[:1] in ("?", "*", "+", "{"):
            raise ValueError(f"has two quantifiers in a row: {found[0] + self.rest[0]!r}")
        symbol, least, comma, most = found.groups()
        if symbol:
            return _Character(one.text + symbol, one.members, symbol == "+", 1 if symbol == "?" else LONGEST_URL)
        highest = int(most) if most else LONGEST_URL if comma else int(least)
        if highest < int(least):
            raise ValueError(f"has {found[0]}, whose numbers are in the wrong order")
        return _Character(one.text + found[0], one.members, int(least), highest)

    def _one(self) -> _Character:
        """A character or a set of characters."""
        character = self._take(1)
        match character:
            case "\\":
                escaped = self._escaped()
                known = _SETS.get(escaped)
                return _Character(f"[{known}]", _MEMBERS[known]) if known else _literal(escaped)
            case ".":
                return _Character(r"[^\n]", _CHARACTERS - {"\n"})
            case "[":
                return self._set()
            case _ if character in "?*+{}]^$":
                raise ValueError(f"has {character!r} in a place where it has no meaning: write it as \\{character}")
            case _ if not character.isprintable():
                raise ValueError("has a character that can't be printed")
        return _literal(character)

    def _set(self) -> _Character:
        negated = self.rest.startswith("^")
        self._take(negated)
        text, members = "", frozenset[str]()
        while not self.rest.startswith("]"):
            more, some = self._member()
            text, members = text + more, members | some
        self._take(1)
        if not text:
            raise ValueError("has an empty set []")
        if negated:  # a character that isn't ASCII leaves others that aren't
            members = _CHARACTERS - (members - {_NOT_ASCII})
        return _Character(f"[{'^' * negated}{text}]", members)

    def _member(self) -> tuple[str, frozenset[str]]:
        """A character of a set, a range or \\d or \\w."""
        first = self._set_character()
        if first in _MEMBERS:
            return first, _MEMBERS[first]
        if not self.rest.startswith("-") or self.rest.startswith("-]"):
            return _in_set(first), _literal(first).members
        self._take(1)
        last = self._set_character()
        within = next((one for one in _RANGES if first in one and last in one and first <= last), None)
        if within is None:
            raise ValueError(f"has the range {first}-{last}: ranges are of digits or of ASCII letters of one case")
        return f"{first}-{last}", frozenset(within[within.index(first) : within.index(last) + 1])

    def _set_character(self) -> str:
        """A character, or what \\d or \\w stand for."""
        character = self._take(1)
        if not character:
            raise ValueError("lacks a ]")
        if character == "\\":
            escaped = self._escaped()
            return _SETS.get(escaped, escaped)
        if character == "[" or not character.isprintable():
            raise ValueError("has a [ or a character that can't be printed in a set: write \\[")
        return character

    def _escaped(self) -> str:
        """The character after a backslash: punctuation, d or w."""
        character = self._take(1)
        if not character or character not in string.punctuation + "dw":
            raise ValueError(f"has \\{character}: after a backslash, only punctuation, d and w are allowed")
        return character

    def _take(self, count: int) -> str:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken


def _literal(character: str) -> _Character:
    members = frozenset(character if character.isascii() else _NOT_ASCII)
    return _Character(re.escape(character), members)


def _in_set(character: str) -> str:
    """Java reads && in a set as an intersection, so all punctuation is escaped."""
    return "\\" + character if character in string.punctuation else character
