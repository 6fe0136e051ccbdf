"""The hosts of RECRUIT_INTERNAL_HOSTS: developers' machines and other hosts of the site's own people.

A host is what stands in a landing URL between `scheme://` (and a login with its @) and the next of : / ? #, or the
brackets of an IPv6 address with what is between them. Upper and lower case are the same, a dot at the end counts for
nothing, and a URL without scheme has no host. Host and hosts are compared by regular expressions that Python and Java
read the same way.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

DEFAULT_HOSTS = (
    "localhost", "*.localhost", "*.local", "*.internal", "*.test",
    "127.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
    "::1", "fc00::/7", "fe80::/10",
)  # fmt: skip
"""Loopback, private and link-local addresses, and names that the public name service doesn't have."""
HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]*)?(?![^/?#])"
"""Its group is the host of a URL."""

_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_END = r"\.?(?![\s\S])"
"""The very end: $ would also match before a line feed at the end."""
_OCTET = r"[0-9]{1,3}"
_GROUP_BITS, _DIGIT_BITS = 16, 4


def host_pattern(hosts: Iterable[str]) -> str:
    """A pattern of all hosts in lower case that are among these; ValueError if one isn't a host, suffix or network."""
    return f"^(?:{'|'.join(_one(host.lower()) for host in hosts) or '(?!)'}){_END}"


def _one(host: str) -> str:
    network = _network(host)
    match network:
        case IPv4Network():
            return _of_octets(network)
        case IPv6Network():
            return rf"\[{_of_groups(network)}\]"
    if not _NAME.fullmatch(host):
        raise ValueError(
            f"has {host!r}; internal hosts are names such as dev.example.com, suffixes such as *.example.com, and "
            "addresses or networks such as ::1 or 10.0.0.0/8"
        )
    suffix = host.removeprefix("*.")
    return (r"[a-z0-9._-]+\." if suffix != host else "") + re.escape(suffix)


def _network(host: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(host)
    except ValueError as error:
        if "/" in host or ":" in host:
            raise ValueError(f"has {host!r}, which isn't a network: {error}") from None
        return None


def _of_octets(network: IPv4Network) -> str:
    """The addresses of the network: numbers that are known, one that is known in part, and any others."""
    whole, bits = divmod(network.prefixlen, 8)
    octets = list(network.network_address.packed)
    known = [str(number) for number in octets[:whole]]
    if bits:
        first = octets[whole]
        known.append(f"(?:{'|'.join(map(str, range(first, first + (1 << 8 - bits))))})")
    return r"\.".join(known + [_OCTET] * (4 - len(known)))


def _of_groups(network: IPv6Network) -> str:
    """An address, spelled as browsers do, or a network that is known by the first group of its addresses."""
    if network.prefixlen == network.max_prefixlen:
        return re.escape(str(network.network_address))
    first = int(network.network_address) >> network.max_prefixlen - _GROUP_BITS
    if network.prefixlen > _GROUP_BITS or first < 1 << _GROUP_BITS - _DIGIT_BITS:
        raise ValueError(
            f"has {network}; of IPv6 only addresses and networks from 1000::/16 on with a prefix of at most "
            f"{_GROUP_BITS} bits can be compared with the text of a URL"
        )
    digits, bits = divmod(network.prefixlen, _DIGIT_BITS)
    known = f"{first:x}"[:digits]
    if bits:
        digit = int(f"{first:x}"[digits], 16)
        known += f"[{''.join(f'{one:x}' for one in range(digit, digit + (1 << _DIGIT_BITS - bits)))}]"
    any_digits = _GROUP_BITS // _DIGIT_BITS - digits - bool(bits)
    return f"{known}[0-9a-f]{{{any_digits}}}:[0-9a-f:.]*"
