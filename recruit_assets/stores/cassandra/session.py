"""A session to Cassandra: consistency, timeouts and errors, the same for everyone who reads or writes.

Belongs here: connecting, running statements, Cassandra's clock, and the translation of the driver's errors to ours.
Not here: the tables' DDL (`cassandra_schema`) and their statements (the other modules of this folder).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, InvalidRequest, Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.concurrent import execute_concurrent
from cassandra.policies import DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, RetryPolicy, TokenAwarePolicy
from cassandra.query import PreparedStatement

from recruit_assets.contract.types import CassandraTable
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.endpoints import NamedNodes, contact_points
from recruit_assets.stores.spark.options import RECONNECT_MAX_S
from recruit_assets.stores.tls import client_context, explained

CONNECT_TIMEOUT_S = 10
REQUEST_TIMEOUT_S = 30
CONCURRENCY = 64
READ_RETRIES = 4
"""Each after the server's own 5 s: the others know of a lost node after 10 to 20 s, and REQUEST_TIMEOUT_S is 30."""

Row = tuple[Any, ...]
Statement: TypeAlias = str | PreparedStatement


def quoted(keyspace: str) -> str:
    """As statements name it: it may be a reserved word."""
    return f'"{keyspace}"'


class CassandraSession:
    """Statements at LOCAL_QUORUM with a finite timeout; rows come as plain tuples, in the order of the columns named.

    Raises StoreUnavailable when Cassandra doesn't answer and Inconsistent when it refuses a statement as invalid.
    """

    def __init__(self, session: Session, keyspace: str) -> None:
        self.driver = session
        self.keyspace = keyspace

    def table(self, table: CassandraTable) -> str:
        """The qualified name; statements name the keyspace, since a re-prepared one may run under another."""
        return f"{quoted(self.keyspace)}.{table.name}"

    def prepare(self, cql: str) -> PreparedStatement:
        with translated_errors(f"prepare: {cql}"):
            return self.driver.prepare(cql)

    def execute(self, statement: Statement, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows; the driver pages, so ask only for what fits memory (`stream` otherwise)."""
        return list(self.stream(statement, parameters))

    def stream(self, statement: Statement, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Rows page by page."""
        with translated_errors(_text(statement)):
            for row in self.driver.execute(statement, parameters or None):
                yield tuple(row)

    def execute_concurrent(
        self, calls: Iterable[tuple[PreparedStatement, Sequence[object]]], *, concurrency: int = CONCURRENCY
    ) -> list[list[Row]]:
        """The rows of each call, in order. Every call has settled when this returns or raises the first failure."""
        calls = list(calls)
        with translated_errors(_text(calls[0][0]) if calls else "nothing"):
            # raise_on_first_error would leave others in flight behind the caller's back
            results = execute_concurrent(self.driver, calls, concurrency=concurrency, raise_on_first_error=False)
            for succeeded, result in results:
                if not succeeded:
                    raise result
            return [[tuple(row) for row in result] for _, result in results]

    def now_ms(self) -> int:
        """Cassandra's clock, milliseconds since the epoch."""
        ((now,),) = self.execute("SELECT toUnixTimestamp(now()) FROM system.local")
        return int(now)


class ReadAgain(RetryPolicy):  # type: ignore[misc]  # the driver is untyped
    """A read that a replica left unanswered is asked again: it would be waited for until it is known as lost."""

    def on_read_timeout(self, *_: object, retry_num: int, **__: object) -> tuple[int, None]:
        return (self.RETRY if retry_num < READ_RETRIES else self.RETHROW), None


@contextmanager
def open_session(settings: Settings) -> Iterator[CassandraSession]:
    """A session that is closed on leaving; StoreUnavailable when no contact point answers."""
    settings.require("cassandra_hosts")
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=settings.cassandra_datacenter)),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=REQUEST_TIMEOUT_S,
        retry_policy=ReadAgain(),
        row_factory=tuple_rows,
    )
    with translated_errors(f"find {settings.cassandra_hosts}"):
        cluster = Cluster(
            **_nodes(settings),
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            connect_timeout=CONNECT_TIMEOUT_S,
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
    """The cluster's options of where the nodes are, and how they prove who they are."""
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
    """UserError naming the setting where the nodes refuse us, or we them; StoreUnavailable where they are down."""
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
            raise


def _is_refused_login(error: BaseException | None) -> bool:
    """The driver says of each node why it couldn't connect to it."""
    causes = error.errors.values() if isinstance(error, NoHostAvailable) else [error]
    return any(isinstance(cause, AuthenticationFailed) for cause in causes)


def tuple_rows(_names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    """Row factory: the driver's named tuples cost more than they give."""
    return [tuple(row) for row in rows]


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (InvalidRequest, Unauthorized) as error:
        raise Inconsistent(f"Cassandra refuses the statement ({doing}): {error}") from error
    except (DriverException, NoHostAvailable) as error:
        raise StoreUnavailable(f"Cassandra doesn't answer ({doing}): {error}") from error


def _text(statement: Statement) -> str:
    return statement if isinstance(statement, str) else statement.query_string
