"""Finds the cause of an engine's failure at the end of its log, if the user can do something about it."""

import re

TAIL_BYTES = 64 * 1024
"""Of a log, the part that is searched."""
SHOWN_LINES = 12

FULL = "the disk is full: make room, then start again"
CAUSES = (
    (r"No space left on device|errno:? 28\b|Disk is full|Out of disk space", FULL),
    # no room to grow a memory-mapped file
    (r"\bSIGBUS\b|got signal 7\b", "a file couldn't be written: is the disk full or failing?"),
    (r"Address already in use|BindException", "its port was taken by another program while it started"),
    (r"error while loading shared libraries: (\S+?):", "this machine lacks the library {0}: install its package"),
    (r"failed to map segment from shared object", "the state directory is mounted noexec: choose another"),
    # the full name of the error, since every log contains the short one in a Java option
    (r"java\.lang\.OutOfMemoryError|insufficient memory for the Java|Cannot allocate memory", "not enough memory"),
    (r"Permission denied|AccessDeniedException", "a file of the state directory can't be read or written by this user"),
)


def explain(output: str) -> str:
    """The cause, if known, and the last lines."""
    cause = cause_in(output)
    lines = [line for line in output.splitlines() if line.strip()][-SHOWN_LINES:]
    return "\n".join([cause or "its last lines were:", *(f"  {line[:300]}" for line in lines)])


def cause_in(output: str) -> str:
    """The first known cause in the text, or an empty string."""
    for pattern, meaning in CAUSES:
        found = re.search(pattern, output)
        if found:
            return meaning.format(*found.groups())
    return ""
