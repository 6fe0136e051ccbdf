"""Cassandra nodes with an address to connect to, and a host name that their certificate must have.

The driver (3.30.1) resolves contact points and compares certificates with the addresses, so it would reject a
certificate for the host name.
"""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from cassandra.connection import DefaultEndPoint, DefaultEndPointFactory

from recruit_assets.runtime.errors import StoreUnavailable


class NamedNode(DefaultEndPoint):  # type: ignore[misc]  # the driver is untyped
    """A node at an address, whose certificate must have the name."""

    def __init__(self, address: str, port: int, name: str) -> None:
        super().__init__(address, port)
        self.name = name

    @property
    def ssl_options(self) -> dict[str, str]:
        """Arguments for SSLContext.wrap_socket."""
        return {"server_hostname": self.name}


class NamedNodes(DefaultEndPointFactory):  # type: ignore[misc]  # the driver is untyped
    """Makes the nodes that the cluster reports. The name of a node that is no contact point is its address."""

    def __init__(self, contact_points: Sequence[NamedNode], port: int) -> None:
        super().__init__(port)
        self._names: Mapping[str, str] = {node.address: node.name for node in contact_points}

    def create(self, row: Mapping[str, Any]) -> NamedNode:
        found = super().create(row)
        return NamedNode(found.address, found.port, self._names.get(found.address, found.address))


def contact_points(hosts: Sequence[str], port: int) -> list[NamedNode]:
    """Every address of every host, with the host's name; StoreUnavailable if none can be resolved."""
    found = [NamedNode(address, port, host) for host in hosts for address in _addresses(host, port)]
    if not found:
        raise StoreUnavailable(f"cannot resolve any of the RECRUIT_CASSANDRA_HOSTS {', '.join(hosts)}")
    return found


def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses; none if it can't be resolved now, since the other hosts may be enough."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
