"""Cassandra's nodes as a client with TLS knows them: by address, and by the name that their certificates must have.

The driver (3.30.1) resolves contact points and then compares certificates with the addresses, so that a certificate for
the configured host name would be refused. Not here: the CA (`tls`), the session (`cassandra`).
"""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from cassandra.connection import DefaultEndPoint, DefaultEndPointFactory

from recruit_assets.runtime.errors import StoreUnavailable


class NamedNode(DefaultEndPoint):  # type: ignore[misc]  # the driver is untyped
    """A node at an address, whose certificate is compared with the name."""

    def __init__(self, address: str, port: int, name: str) -> None:
        super().__init__(address, port)
        self.name = name

    @property
    def ssl_options(self) -> dict[str, str]:
        """What the driver hands to SSLContext.wrap_socket."""
        return {"server_hostname": self.name}


class NamedNodes(DefaultEndPointFactory):  # type: ignore[misc]  # the driver is untyped
    """Makes the nodes that the cluster tells of; one that no contact point names has its address for a name."""

    def __init__(self, contact_points: Sequence[NamedNode], port: int) -> None:
        super().__init__(port)
        self._names: Mapping[str, str] = {node.address: node.name for node in contact_points}

    def create(self, row: Mapping[str, Any]) -> NamedNode:
        found = super().create(row)
        return NamedNode(found.address, found.port, self._names.get(found.address, found.address))


def contact_points(hosts: Sequence[str], port: int) -> list[NamedNode]:
    """Every address of every host, under the host's name; StoreUnavailable where no host has one."""
    found = [NamedNode(address, port, host) for host in hosts for address in _addresses(host, port)]
    if not found:
        raise StoreUnavailable(f"no address is known for any of the RECRUIT_CASSANDRA_HOSTS {', '.join(hosts)}")
    return found


def _addresses(host: str, port: int) -> list[str]:
    """One that can't be resolved now has none: others may answer meanwhile."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
