"""What the index on uid costs ingest, and how long finding a person takes in a history and in one ten times as long."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.histories import MORE, two_histories
from benchmarks.ingest import OURS, Rows, SameRows, ours, rows_in_kafka, seconds_of
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.erasures import events_of
from recruit_assets.stores.cassandra.session import CassandraSession, index_name, open_session

INGEST, SEARCH = "ingest_with_person_index", "person_search_growth"
EVENTS = 400_000
HISTORY_EVENTS, HOURS = 100_000, 24
PEOPLE = 50
SEARCHES = 200


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Ingest with and without the index, in turns; then searches for people who have one event each."""
    return [_ingest(engines, repeats), _search(engines, repeats)]


def _ingest(engines: BenchmarkEngines, repeats: int) -> Figure:
    with rows_in_kafka(engines, EVENTS) as rows:
        found = interleaved({"with": lambda: _rate(rows), "without": lambda: _rate_without_index(rows)}, repeats)
        notes = rows.notes
    ours_side = Side(OURS, "events/s", found["with"])
    peer = Side("the same without the index", "events/s", found["without"])
    return Figure(
        key=INGEST,
        title="Kafka to Cassandra with the index on uid, against without",
        value=ours_side.median / peer.median,
        unit="x",
        goal=Goal(at_least=0.9),
        ours=ours_side,
        peer=peer,
        notes=(f"{EVENTS:,} events per repeat, two thirds of them with a uid of their own", *notes),
    )


def _rate(rows: Rows) -> float:
    return ours(rows, SameRows(rows.events))


def _rate_without_index(rows: Rows) -> float:
    with _unindexed(rows.many), _unindexed(rows.few):
        return _rate(rows)


@contextmanager
def _unindexed(settings: Settings) -> Iterator[None]:
    """An index of the same name on a column without values: `ingest` would create a missing one."""
    with open_session(settings) as session:
        _replace_index(session, "extra")
        yield
        _replace_index(session, "uid")


def _replace_index(session: CassandraSession, column: str) -> None:
    name, table = index_name(RAW_EVENTS, "uid"), session.table(RAW_EVENTS)
    session.execute(f'DROP INDEX IF EXISTS "{session.keyspace}".{name}')
    session.execute(f"CREATE INDEX {name} ON {table} ({column}) USING 'sai'")


def _search(engines: BenchmarkEngines, repeats: int) -> Figure:
    with two_histories(engines, events=HISTORY_EVENTS, hours=HOURS) as histories:
        found = interleaved(
            {"more": lambda: _search_ms(histories.more), "less": lambda: _search_ms(histories.less)}, repeats
        )
    more = Side(f"{MORE * HISTORY_EVENTS:,} events", "ms", found["more"])
    less = Side(f"{HISTORY_EVENTS:,} events", "ms", found["less"])
    return Figure(
        key=SEARCH,
        title=f"Finding a person's events by the index, {MORE} x the history",
        value=more.median / less.median,
        unit="x",
        goal=Goal(at_most=5),  # each file of the table has an index of its own
        ours=more,
        peer=less,
        notes=(f"mean of {SEARCHES} searches per repeat, each for one of {PEOPLE} people",),
    )


def _search_ms(settings: Settings) -> float:
    """Milliseconds of a search, on average; RuntimeError if a person isn't found."""
    with open_session(settings) as session:
        rows = session.stream(f"SELECT uid FROM {session.table(RAW_EVENTS)}")
        people: list[str] = []
        while len(people) < PEOPLE:
            (uid,) = next(rows)
            people += [uid] if uid else []

        def search() -> None:
            for number in range(SEARCHES):
                if not any(events_of(session, [people[number % PEOPLE]])):
                    raise RuntimeError("a person wasn't found")

        search()
        return seconds_of(search) * 1000 / SEARCHES
