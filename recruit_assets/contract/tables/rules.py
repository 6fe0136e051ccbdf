"""Settings and erasures that ingest and all runs must share, in Cassandra; the tables are append-only."""

from recruit_assets.contract.tables.columns import ALWAYS_ONE
from recruit_assets.contract.types import CassandraTable, Column, Type

_STORED_AT = Column("stored_at", Type.TIMESTAMP, "When schema apply stored it", nullable=False)

RETENTION = CassandraTable(
    name="retention",
    description="Every change of RECRUIT_RETENTION_DAYS, in force two to three hours later; append-only.",
    columns=(
        _STORED_AT,
        Column("days", Type.INT, "How long events are kept; 0: forever", nullable=False),
    ),
    partition_key=("stored_at",),
)

PRIVACY = CassandraTable(
    name="privacy",
    description="Every change of RECRUIT_PRIVACY; append-only.",
    columns=(
        _STORED_AT,
        Column("mode", Type.TEXT, "What is stored of the fields that identify people", nullable=False),
        Column("key_check", Type.TEXT, "Tells the keys of pseudonyms apart; empty without a key", nullable=False),
    ),
    partition_key=("stored_at",),
)

ERASURES = CassandraTable(
    name="erasures",
    description="People who were erased, as hashes, so that nothing brings them back; append-only.",
    columns=(
        ALWAYS_ONE,
        Column("through", Type.TIMESTAMP, "Events up to this time are stored without the person", nullable=False),
        Column("person", Type.TEXT, "Keyed hash of the uid, or of its pseudonym", nullable=False),
        Column("salt", Type.TEXT, "Key of the hash, random", nullable=False),
    ),
    partition_key=("id",),
    clustering_key=("through", "person"),
)

ATTRIBUTION = CassandraTable(
    name="attribution",
    description="Every change of RECRUIT_ATTRIBUTION; append-only.",
    columns=(
        _STORED_AT,
        Column("rules", Type.TEXT, "The rules, and the pattern of the rule dl", nullable=False),
        Column("pending_at", Type.TIMESTAMP, "When all hours were made pending because of it; null: not yet"),
    ),
    partition_key=("stored_at",),
)
