"""How many requests an address may send: a token bucket for each, in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from time import monotonic

MAX_ADDRESSES = 100_000
"""The address that was quiet the longest is forgotten first; its bucket is full again."""
BURST_S = 5
"""A quiet address may send what it is allowed in so many seconds at once, as a page does that loads."""
IPV6_PREFIX_BITS = 64
"""One customer has so many bits to choose from."""


class RateLimit:
    """Allows each address `per_s` requests per second on average; 0: any number."""

    def __init__(self, per_s: int, *, clock: Callable[[], float] = monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Take a token of the address, if it has one left."""
        if not self._per_s:
            return True
        now, key = self._clock(), _network(address)
        full = float(self._per_s * BURST_S)
        tokens, since = self._buckets.pop(key, (full, now))
        tokens = min(full, tokens + (now - since) * self._per_s)
        is_allowed = tokens >= 1
        self._buckets[key] = (tokens - is_allowed, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return is_allowed


def _network(address: str) -> str:
    """The address, of IPv6 only the network."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(int(found) >> (128 - IPV6_PREFIX_BITS))
    return str(found)
