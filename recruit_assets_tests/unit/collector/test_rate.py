"""The rate limit: a burst, then so many per second, for each address by itself."""

import pytest

from recruit_assets.collector import rate
from recruit_assets.collector.rate import BURST_S, RateLimit


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def allowed(limit: RateLimit, requests: int, address: str = "10.0.0.1") -> int:
    return sum(limit.allows(address) for _ in range(requests))


def test_a_burst_is_followed_by_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(10, clock=clock)

    assert allowed(limit, 200) == 10 * BURST_S
    clock.now_s += 2.5
    assert allowed(limit, 200) == 25
    clock.now_s += 3_600
    assert allowed(limit, 200) == 10 * BURST_S


def test_addresses_do_not_share_their_limit_but_one_ipv6_network_does() -> None:
    limit = RateLimit(1, clock=Clock())

    assert allowed(limit, 10, "10.0.0.1") == allowed(limit, 10, "10.0.0.2") == BURST_S
    assert allowed(limit, 10, "2001:db8::1") == BURST_S
    assert allowed(limit, 10, "2001:db8::2") == 0
    assert allowed(limit, 10, "2001:db8:0:1::2") == BURST_S
    assert allowed(limit, 10, "not:an:address") == BURST_S


def test_zero_allows_everything() -> None:
    assert allowed(RateLimit(0), 10_000) == 10_000


def test_memory_is_bounded_and_the_quietest_address_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_ADDRESSES", 2)
    limit = RateLimit(1, clock=Clock())
    for address in ("a", "b", "a", "c"):
        allowed(limit, 10, address)

    assert (allowed(limit, 1, "a"), allowed(limit, 1, "c"), allowed(limit, 1, "b")) == (0, 0, 1)
