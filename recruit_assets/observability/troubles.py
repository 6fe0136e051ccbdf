"""What each alert channel is told: a trouble when it begins, and when it is over; not again while it lasts.

A trouble is a name, which stays the same while it lasts, and a line that says what is wrong. Each channel has a memory
of its own, so that one that doesn't answer is told later, and the others aren't told twice.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

from recruit_assets.observability.alerts import Alert

SUBJECT_LENGTH = 120

Troubles = Mapping[str, str]
"""By name: what is wrong, in one line."""
Send = Callable[[Alert, Sequence[str]], Mapping[str, str]]
"""Sends an alert to channels; returns the reason for each that didn't take it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """By channel, the troubles that it was told of and that it hasn't been told the end of."""

    told: Mapping[str, Troubles] = field(default_factory=dict)

    def __str__(self) -> str:
        return json.dumps(self.told)

    @property
    def known(self) -> Troubles:
        """What any channel was told."""
        return {name: text for troubles in self.told.values() for name, text in troubles.items()}

    @classmethod
    def parse(cls, text: str | None) -> "Memory | None":
        """What `str` wrote; None if that isn't it, such as a text of another version or one that a person edited."""
        try:
            told = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            return None
        return cls(told) if _is_troubles_by_channel(told) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the channels know now, and why some weren't told."""

    memory: Memory
    failed: Mapping[str, str]


def tell(memory: Memory, now: Troubles, channels: Sequence[str], send: Send) -> Outcome:
    """Send each channel what it doesn't know yet. One that doesn't take its message is told at the next call."""
    told = {channel: memory.told.get(channel, {}) for channel in channels}
    failed: dict[str, str] = {}
    for alert, receivers in _messages(told, now).items():
        reasons = send(alert, receivers)
        failed |= reasons
        told |= {channel: dict(now) for channel in receivers if channel not in reasons}
    return Outcome(Memory(told), failed)


def message(told: Troubles, now: Troubles) -> Alert | None:
    """What has changed; None if nothing has begun or ended. A new text of a trouble that lasts is no news."""
    begun = [text for name, text in now.items() if name not in told]
    over = [f"Over: {text}" for name, text in told.items() if name not in now]
    lines = [*begun, *over]
    if not lines:
        return None
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    still = [f"Still: {text}" for name, text in now.items() if name in told]
    subject = f"Recruitment report: {shorten(lines[0], SUBJECT_LENGTH, placeholder=' ...')}{more}"
    return Alert(subject, "\n".join([*lines, *still]), is_end=not begun)


def _messages(told: Mapping[str, Troubles], now: Troubles) -> dict[Alert, list[str]]:
    """Each message with its channels: normally all know the same."""
    messages: dict[Alert, list[str]] = {}
    for channel, known in told.items():
        if (alert := message(known, now)) is not None:
            messages.setdefault(alert, []).append(channel)
    return messages


def _is_troubles_by_channel(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(troubles, dict) and all(isinstance(text, str) for text in troubles.values())
        for troubles in value.values()
    )
