"""One store that fails or hangs hides nothing of the others, and nothing is ok that wasn't looked at."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from threading import Event
from time import monotonic

import pytest

from recruit_assets.observability.doctor import Check, Finding, State, Subject, all_is_well, examine
from recruit_assets.observability.doctor.mysql import mysql
from recruit_assets.observability.doctor.verdict import AS_IT_SAYS, Verdict, fail, ok, skipped, warn
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import load_settings


def states(findings: Sequence[Finding]) -> dict[str, tuple[str, str]]:
    return {f"{one.subject}/{one.check}": (one.verdict.state, one.verdict.found) for one in findings}


def a_subject(name: str, *checks: Check[None], independent: bool = False) -> Subject[None]:
    return Subject(name, lambda: nullcontext(None), checks, "start it", independent)


NO = fail("no topic", "create it")


def says(verdict: Verdict, name: str = "first", *, needs: tuple[str, ...] = ()) -> Check[None]:
    return Check(name, lambda _: verdict, needs)


def raises(error: Exception, name: str = "first") -> Check[None]:
    def look(_: None) -> Verdict:
        raise error

    return Check(name, look)


@contextmanager
def down() -> Iterator[None]:
    raise StoreUnavailable("the store is\n down")
    yield


def test_a_store_that_is_down_hides_its_own_checks_only() -> None:
    broken: Subject[None] = Subject("broken", down, (says(ok("fine")), says(ok("fine"), "second")), "start it")

    findings = examine([broken, a_subject("healthy", says(ok("fine")))])

    assert states(findings) == {
        "broken/first": ("FAIL", "the store is down"),
        "broken/second": ("skipped", "not looked at: first failed"),
        "healthy/first": ("ok", "fine"),
    }
    assert findings[0].verdict.remedy == "start it"
    assert not all_is_well(findings)


def test_a_check_that_needs_one_that_failed_or_was_skipped_is_not_looked_at() -> None:
    subject = a_subject(
        "store",
        says(ok("fine")),
        says(NO, "topic"),
        says(ok("fine"), "lag", needs=("topic",)),
        says(ok("fine"), "age", needs=("lag",)),
        says(skipped("no daemon"), "daemon"),
        says(ok("fine"), "ticks", needs=("daemon",)),
        says(warn("old", "upgrade it"), "version"),
        says(ok("fine"), "features", needs=("version",)),
    )

    assert states(examine([subject])) == {
        "store/first": ("ok", "fine"),
        "store/topic": ("FAIL", "no topic"),
        "store/lag": ("skipped", "not looked at: topic failed"),
        "store/age": ("skipped", "not looked at: lag was skipped"),
        "store/daemon": ("skipped", "no daemon"),
        "store/ticks": ("skipped", "not looked at: daemon was skipped"),
        "store/version": ("WARN", "old"),
        "store/features": ("ok", "fine"),
    }


@pytest.mark.parametrize(("independent", "second"), [(False, State.SKIPPED), (True, State.OK)])
def test_a_first_check_that_fails_hides_the_others_unless_they_are_independent(
    independent: bool, second: State
) -> None:
    subject = a_subject("store", says(NO), says(ok("fine"), "second"), independent=independent)

    assert [one.verdict.state for one in examine([subject])] == [State.FAIL, second]


def test_an_error_that_the_user_can_mend_says_itself_what_to_do() -> None:
    (finding,) = examine([a_subject("store", raises(UserError("refused: check RECRUIT_MYSQL_USER")))])

    assert finding.verdict == fail("refused: check RECRUIT_MYSQL_USER", AS_IT_SAYS)


def test_a_bug_in_a_check_is_a_failure_of_that_check_alone() -> None:
    findings = examine([a_subject("store", says(ok("fine")), raises(KeyError("gone"), "second"))])

    assert states(findings)["store/second"] == ("FAIL", "the check itself failed: KeyError: 'gone'")
    assert not all_is_well(findings)


def test_a_check_that_hangs_is_cut_off_and_hides_those_after_it() -> None:
    released = Event()

    def hang(_: None) -> Verdict:
        released.wait(20)
        return ok("too late")

    slow = a_subject("slow", says(ok("fine")), Check("second", hang), says(ok("fine"), "third"))
    started = monotonic()
    findings = examine([slow, a_subject("healthy", says(ok("fine")))], timeout_s=0.2)
    released.set()

    assert monotonic() - started < 5
    assert states(findings) == {
        "slow/first": ("ok", "fine"),
        "slow/second": ("FAIL", "no answer within 0.2 s"),
        "slow/third": ("skipped", "not looked at: second took too long"),
        "healthy/first": ("ok", "fine"),
    }


def test_a_server_that_accepts_connections_and_never_answers_is_cut_off() -> None:
    """A firewall or a stopped process does that; a client without a limit would wait for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = load_settings(
            mysql_host="127.0.0.1", mysql_port=silent.getsockname()[1], mysql_user="u", mysql_password="p"
        )
        reachable, *others = examine([mysql(settings, remedy="start it")], timeout_s=0.5)

    assert reachable.verdict == fail("no answer within 0.5 s", "start it")
    assert {one.verdict.found for one in others} == {"not looked at: reachable took too long"}
