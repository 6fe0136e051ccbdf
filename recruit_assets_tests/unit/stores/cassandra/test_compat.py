"""What we override in Cassandra's driver works as we expect in the installed version; see test_batch_encoder.py too."""

import struct
from importlib.metadata import version

from cassandra.query import SimpleStatement

from recruit_assets.stores.cassandra.batch_encoder import CHECKED_WITH, EncodedRows, RawRow, encoded_batch

PARTITION = (1_767_596_400_000, 26)
ROWS = EncodedRows(b"head", [RawRow(PARTITION, b"one", 3), RawRow((0, 0), b"two", 3)])


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


def test_the_drivers_batch_takes_encoded_rows_for_its_statements() -> None:
    assert len(encoded_batch(ROWS, keyspace="ks")) == len(ROWS)


def test_a_batch_goes_to_the_replicas_of_its_first_partition() -> None:
    """Our routing key must equal the driver's own."""
    driver = SimpleStatement("")
    driver.routing_key = [struct.pack(">q", PARTITION[0]), struct.pack(">i", PARTITION[1])]

    assert encoded_batch(ROWS, keyspace="ks").routing_key == driver.routing_key
