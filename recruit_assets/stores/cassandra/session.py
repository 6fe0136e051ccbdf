"""The Cassandra session that all reads and writes use: connection, consistency, timeouts and errors."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from math import ceil
from typing import Any, TypeAlias

from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, InvalidRequest, Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.concurrent import execute_concurrent
from cassandra.policies import DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, RetryPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement, BatchType, BoundStatement, PreparedStatement

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.endpoints import NamedNodes, contact_points
from recruit_assets.stores.spark.options import RECONNECT_MAX_S
from recruit_assets.stores.tls import client_context, explained

CONNECT_TIMEOUT_S = 10
REQUEST_TIMEOUT_S = 30
CONCURRENCY = 64
HOURS_PER_QUERY = 100
BATCHES_IN_FLIGHT = 128
PARTITIONS_PER_BATCH = 10
"""Cassandra warns of each batch with more (unlogged_batch_across_partitions_warn_threshold)."""
BATCH_BYTES = 8 * 1024
"""Of the values. Cassandra counts up to five times as much for short ones, and rejects batches above 50 KiB."""
RETRIES = 4
"""Each after the server's timeout of 5 s. The cluster notices a lost node within 20 s; REQUEST_TIMEOUT_S is 30."""

Row = tuple[Any, ...]
Statement: TypeAlias = str | PreparedStatement


def quoted(keyspace: str) -> str:
    """The keyspace in quotes, since its name may be a reserved word."""
    return f'"{keyspace}"'


def index_name(table: CassandraTable, column: str) -> str:
    """The name of a table's index on a column; an index is known by its name in the keyspace."""
    return f"{table.name}_{column}"


class CassandraSession:
    """Executes statements at LOCAL_QUORUM with a timeout; rows are plain tuples.

    Raises StoreUnavailable if Cassandra doesn't answer, and Inconsistent if it rejects a statement as invalid.
    """

    def __init__(self, session: Session, keyspace: str) -> None:
        self.driver = session
        self.keyspace = keyspace

    def table(self, table: CassandraTable) -> str:
        """The name with its keyspace, since a statement may be prepared again under another keyspace."""
        return f"{quoted(self.keyspace)}.{table.name}"

    def prepare(self, cql: str) -> PreparedStatement:
        with translated_errors(f"prepare: {cql}"):
            return self.driver.prepare(cql)

    def execute(self, statement: Statement, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows. They must fit in memory; otherwise use `stream`."""
        return list(self.stream(statement, parameters))

    def stream(self, statement: Statement, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """The rows, fetched page by page."""
        with translated_errors(_text(statement)):
            for row in self.driver.execute(statement, parameters or None):
                yield tuple(row)

    def execute_concurrent(
        self,
        calls: Iterable[tuple[PreparedStatement | BatchStatement, Sequence[object]]],
        *,
        concurrency: int = CONCURRENCY,
    ) -> list[list[Row]]:
        """The rows of each call, in order. All calls have ended when this returns, or raises the first error."""
        calls = list(calls)
        with translated_errors(_text(calls[0][0]) if calls else "nothing"):
            # raise_on_first_error would return while other calls are still in flight
            results = execute_concurrent(self.driver, calls, concurrency=concurrency, raise_on_first_error=False)
            for succeeded, result in results:
                if not succeeded:
                    raise result
            return [[tuple(row) for row in result] for _, result in results]

    def execute_by_hour(self, cql: str, hours: Sequence[datetime], *parameters: object) -> list[Row]:
        """The rows of a query whose first parameter, an IN, is a list of hours; many hours per request."""
        select = self.prepare(cql)
        parts = (hours[first : first + HOURS_PER_QUERY] for first in range(0, len(hours), HOURS_PER_QUERY))
        return [
            row for rows in self.execute_concurrent((select, (part, *parameters)) for part in parts) for row in rows
        ]

    def execute_batches(self, calls: Iterable[tuple[PreparedStatement, Sequence[object]]]) -> None:
        """Execute these writes of small rows, many per request. An error may leave any of them undone.

        They are repeated if a replica doesn't answer in time, so they must have write timestamps of their own.
        """
        bound = [statement.bind(values) for statement, values in calls]
        self.execute_concurrent(((batch, ()) for batch in small_batches(bound)), concurrency=BATCHES_IN_FLIGHT)

    def now_ms(self) -> int:
        """Cassandra's clock, milliseconds since the epoch."""
        ((now,),) = self.execute("SELECT toUnixTimestamp(now()) FROM system.local")
        return int(now)

    def keyspace_id(self) -> str:
        """The id of raw_events, which no other keyspace has, not even one of the same name; empty if it is missing."""
        found = self.execute(
            "SELECT id FROM system_schema.tables WHERE keyspace_name = %s AND table_name = %s",
            (self.keyspace, RAW_EVENTS.name),
        )
        return str(found[0][0]) if found else ""

    def indexes(self) -> set[str]:
        """The names of the keyspace's indexes."""
        rows = self.execute("SELECT index_name FROM system_schema.indexes WHERE keyspace_name = %s", (self.keyspace,))
        return {name for (name,) in rows}


class RetryTimeouts(RetryPolicy):  # type: ignore[misc]  # the driver is untyped
    """Repeats what a replica didn't answer, if that is safe: until the cluster notices a lost node, it is asked too."""

    def on_read_timeout(self, *_: object, retry_num: int, **__: object) -> tuple[int, None]:
        return (self.RETRY if retry_num < RETRIES else self.RETHROW), None

    def on_write_timeout(self, query: BatchStatement, *_: object, retry_num: int, **__: object) -> tuple[int, None]:
        return (self.RETRY if query.is_idempotent and retry_num < RETRIES else self.RETHROW), None


@contextmanager
def open_session(settings: Settings) -> Iterator[CassandraSession]:
    """A session, closed on exit; StoreUnavailable if no contact point answers."""
    settings.require("cassandra_hosts")
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=settings.cassandra_datacenter)),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=REQUEST_TIMEOUT_S,
        retry_policy=RetryTimeouts(),
        row_factory=tuple_rows,
    )
    with translated_errors(f"find {settings.cassandra_hosts}"):
        cluster = Cluster(
            **_nodes(settings),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            connect_timeout=CONNECT_TIMEOUT_S,
            control_connection_timeout=CONNECT_TIMEOUT_S,  # 2 s by default: a login on a busy machine takes longer
            protocol_version=5,
            reconnection_policy=ExponentialReconnectionPolicy(0.5, RECONNECT_MAX_S, max_attempts=None),
            auth_provider=_login(settings),
        )
    try:
        session = _connected(cluster, settings)
        yield CassandraSession(session, settings.cassandra_keyspace)
    finally:
        cluster.shutdown()


def _nodes(settings: Settings) -> dict[str, Any]:
    """The cluster's options for addresses and TLS."""
    context = client_context(settings.cassandra_tls_ca)
    if context is None:
        return {"contact_points": settings.contact_points, "port": settings.cassandra_port}
    nodes = contact_points(settings.contact_points, settings.cassandra_port)
    return {
        "contact_points": nodes,
        "port": settings.cassandra_port,
        "endpoint_factory": NamedNodes(nodes, settings.cassandra_port),
        "ssl_context": context,
    }


def _login(settings: Settings) -> PlainTextAuthProvider | None:
    if not settings.cassandra_user:
        return None
    return PlainTextAuthProvider(settings.cassandra_user, settings.cassandra_password.get_secret_value())


def _connected(cluster: Cluster, settings: Settings) -> Session:
    """UserError naming the setting if TLS or login fail; StoreUnavailable if the nodes are down."""
    where = ",".join(f"{host}:{settings.cassandra_port}" for host in settings.contact_points)
    with explained("Cassandra", where, settings.cassandra_tls_ca, variable="RECRUIT_CASSANDRA_TLS_CA"):
        try:
            with translated_errors(f"connect to {where}"):
                return cluster.connect()
        except StoreUnavailable as error:
            if _is_refused_login(error.__cause__):
                raise UserError(
                    f"Cassandra at {where} refuses the login of user {settings.cassandra_user or '(none)'}: check "
                    "RECRUIT_CASSANDRA_USER and RECRUIT_CASSANDRA_PASSWORD"
                ) from error
            known = sorted({str(host.datacenter) for host in cluster.metadata.all_hosts() if host.datacenter})
            if known and settings.cassandra_datacenter not in known:
                raise UserError(
                    f"Cassandra at {where} has no datacenter {settings.cassandra_datacenter}, only {', '.join(known)}: "
                    "check RECRUIT_CASSANDRA_DATACENTER"
                ) from error
            raise


def _is_refused_login(error: BaseException | None) -> bool:
    """The driver gives a reason for each node that it couldn't connect to, or only the nodes' addresses."""
    found = error.errors if isinstance(error, NoHostAvailable) else {"": error}
    causes = found.values() if isinstance(found, dict) else ()
    return any(isinstance(cause, AuthenticationFailed) for cause in causes)


def tuple_rows(_names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Row factory: plain tuples are faster than the driver's named tuples."""
    return [tuple(row) for row in rows]


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except (InvalidRequest, Unauthorized) as error:
        if "Guardrail" in str(error):
            raise UserError(f"Cassandra has a guardrail that forbids this: {error} ({doing})") from error
        raise Inconsistent(f"Cassandra rejected the statement ({doing}): {error}") from error
    except (DriverException, NoHostAvailable) as error:
        raise StoreUnavailable(f"Cassandra doesn't answer ({doing}): {error}") from error


def partitions_per_batch(partitions: int) -> int:
    """The number of partitions in each batch, if so many are written: 1 for up to BATCHES_IN_FLIGHT of them.

    Cassandra writes the partitions of a batch one after the other, and waits for the commit log each time.
    """
    return min(PARTITIONS_PER_BATCH, ceil(partitions / BATCHES_IN_FLIGHT))


def small_batches(statements: Sequence[BoundStatement]) -> Iterator[BatchStatement]:
    """The statements, which must be idempotent, in unlogged batches below Cassandra's limits."""
    most = partitions_per_batch(len(statements))
    batch: list[BoundStatement] = []
    size = 0
    for statement in statements:
        added = sum(len(value) for value in statement.values if isinstance(value, bytes))
        if len(batch) == most or (batch and size + added > BATCH_BYTES):
            yield unlogged_batch(batch, may_be_repeated=True)
            batch, size = [], 0
        batch.append(statement)
        size += added
    if batch:
        yield unlogged_batch(batch, may_be_repeated=True)


def unlogged_batch(statements: Sequence[BoundStatement], *, may_be_repeated: bool = False) -> BatchStatement:
    """The statements as one request, each partition of which is written by itself."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = may_be_repeated
    batch.add_all(statements, [None] * len(statements))
    return batch


def _text(statement: Statement | BatchStatement) -> str:
    match statement:
        case str():
            return statement
        case BatchStatement():
            return "a batch of writes"
        case _:
            return str(statement.query_string)
