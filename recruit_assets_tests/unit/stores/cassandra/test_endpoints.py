"""The name that a node's certificate must have."""

import socket
from types import SimpleNamespace

import pytest

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.cassandra.endpoints import NamedNode, NamedNodes, contact_points

KNOWN = {"node-1": ["10.0.0.1"], "nodes": ["10.0.0.2", "10.0.0.3"]}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host not in KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in KNOWN[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def shown(node: NamedNode) -> tuple[str, int, str]:
    return node.address, node.port, node.ssl_options["server_hostname"]


def test_every_address_of_a_host_has_the_hosts_name() -> None:
    nodes = contact_points(["node-1", "unknown", "nodes"], 9042)

    assert [shown(node) for node in nodes] == [
        ("10.0.0.1", 9042, "node-1"),
        ("10.0.0.2", 9042, "nodes"),
        ("10.0.0.3", 9042, "nodes"),
    ]


def test_hosts_without_an_address_are_named() -> None:
    with pytest.raises(StoreUnavailable, match="RECRUIT_CASSANDRA_HOSTS unknown, other"):
        contact_points(["unknown", "other"], 9042)


@pytest.mark.parametrize(("address", "name"), [("10.0.0.3", "nodes"), ("10.0.0.9", "10.0.0.9")])
def test_a_discovered_node_has_its_configured_name_or_its_address(address: str, name: str) -> None:
    nodes = NamedNodes(contact_points(["nodes"], 9042), 9042)
    nodes.configure(SimpleNamespace(address_translator=SimpleNamespace(translate=lambda found: found)))

    assert shown(nodes.create({"rpc_address": address, "native_transport_port": 9042})) == (address, 9042, name)
