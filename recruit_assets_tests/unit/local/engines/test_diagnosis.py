"""Finding the cause of a failure in a log."""

import pytest

from recruit_assets.local.engines.diagnosis import SHOWN_LINES, cause_in, explain


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("java.io.IOException: No space left on device", "the disk is full"),
        ('[ERROR] InnoDB: write failed (errno: 28 "No space left on device")', "the disk is full"),
        ("[ERROR] [FATAL] InnoDB: Error (Out of disk space) in rollback.", "the disk is full"),
        ("#  SIGBUS (0x7) at pc=0x00007fe18493907f, pid=17015, tid=17484", "a file couldn't be written"),
        ("java.net.BindException: Address already in use", "its port was taken"),
        (
            "mariadbd: error while loading shared libraries: libcrypt.so.1: cannot open",
            "lacks the library libcrypt.so.1",
        ),
        ("java.lang.OutOfMemoryError: Java heap space", "not enough memory"),
        ("There is insufficient memory for the Java Runtime Environment to continue.", "not enough memory"),
        ("UnsatisfiedLinkError: /state/tmp/libjna.so: failed to map segment from shared object", "mounted noexec"),
        ("java.nio.file.AccessDeniedException: /data", "can't be read or written by this user"),
    ],
)
def test_known_causes_are_named(line: str, cause: str) -> None:
    assert cause in cause_in(f"starting\n{line}\nstopping")


def test_a_java_option_that_names_an_error_isnt_a_cause() -> None:
    assert cause_in("JVM Arguments: [-XX:+ExitOnOutOfMemoryError, -Xss256k]") == ""


def test_without_a_known_cause_the_last_lines_are_shown() -> None:
    log = "\n".join(f"line {number}" for number in range(100))

    assert cause_in(log) == ""
    assert explain(log).splitlines() == [
        "its last lines were:",
        *(f"  line {n}" for n in range(100 - SHOWN_LINES, 100)),
    ]
