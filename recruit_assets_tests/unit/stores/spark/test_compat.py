"""The private API of PySpark and Py4J that we use works as we expect in the installed versions.

`integration/local/test_warm_spark.py` tries it with a JVM.
"""

import gc
import os
import socket
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JNetworkError

from recruit_assets.stores.spark.compat import CHECKED_WITH, connect_gateway, held_objects


def test_the_installed_versions_were_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_a_gateway_is_looked_up_in_the_file_and_no_jvm_is_started(tmp_path: Path, closed_port: int) -> None:
    connection = tmp_path / "connection"
    secret = b"secret"
    connection.write_bytes(closed_port.to_bytes(4, "big") + len(secret).to_bytes(4, "big") + secret)
    before = dict(os.environ)

    with pytest.raises(Py4JNetworkError, match=str(closed_port)):
        connect_gateway(connection)

    assert dict(os.environ) == before


def test_java_objects_are_held_while_they_are_referenced() -> None:
    memory = SimpleNamespace(enable_memory_management=True, auto_field=False)
    client = SimpleNamespace(address="a-jvm", port=1, gateway_property=memory, garbage_collect_object=lambda _: None)
    held = JavaObject("o1", client)
    assert any(one is held for one in held_objects())

    del held
    gc.collect()
    assert not any(one._gateway_client is client for one in held_objects())
