"""Our ingest against DSBulk, DataStax's bulk loader, which loads the finished rows from JSON files.

DSBulk has less to do: it doesn't read Kafka, validate events, compute buckets or write the change feed.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson
from kafka import KafkaConsumer

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, better_by_median, interleaved
from benchmarks.ingest import OURS, Rows, SameRows, empty, ours, rows_in_kafka, seconds_of
from benchmarks.peer_jars import peer_classpath
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.runtime.artifacts import java_home
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.transforms.buckets import FIRST_LAYOUT, bucket_of_key, event_hour
from recruit_assets.transforms.validate import COLUMNS, Limits, read_event

EVENTS = 300_000
FILES = 2
"""One per processor: DSBulk reads a file in one thread."""
MAIN = "com.datastax.oss.dsbulk.runner.DataStaxBulkLoader"
MORE_GROUPS = "-Dreactor.bufferSize.small=8192"
"""DSBulk hangs if a buffer has rows of more than 256 partitions, as at night: its groupBy serves at most that many
groups (Reactor's Queues.SMALL_BUFFER_SIZE)."""
SETTINGS = {"default": (), "tuned": ("--batch.bufferSize", "5000", "--batch.maxBatchStatements", "80")}


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Events per second of both, with the durable commit log. The peer is the better of DSBulk's two settings."""
    same = SameRows(EVENTS, RAW_EVENTS.column_names)
    with rows_in_kafka(engines, EVENTS) as rows, TemporaryDirectory(dir=engines.state_dir) as folder:
        many, few = Path(folder, "many"), Path(folder, "few")
        write_json_rows(rows.many, many)
        write_json_rows(rows.few, few)
        loads: dict[str, Callable[[], float]] = {
            name: partial(_loaded, rows, (many, few), options=options, same=same) for name, options in SETTINGS.items()
        }
        found = interleaved({"ours": lambda: ours(rows, same), **loads}, repeats)
    sides = {name: Side(f"DSBulk, {name} settings", "events/s", found[name]) for name in SETTINGS}
    peer = better_by_median(list(sides.values()))
    ours_side = Side(OURS, "events/s", found["ours"])
    return [
        Figure(
            key="ingest_vs_dsbulk",
            title="Kafka to Cassandra, against DSBulk loading finished rows",
            value=ours_side.median / peer.median,
            unit="x",
            goal=Goal(at_least=1.5),
            ours=ours_side,
            peer=peer,
            others=tuple(side for side in sides.values() if side is not peer),
            notes=(f"{EVENTS:,} events per repeat; tuned: {' '.join(SETTINGS['tuned'])}", *rows.notes),
        )
    ]


def write_json_rows(settings: Settings, folder: Path) -> None:
    """Write the rows of the topic's events as lines of JSON, in the order of their offsets, to FILES files."""
    folder.mkdir()
    files = [(folder / f"rows-{number}.json").open("wb") for number in range(FILES)]
    for number, row in enumerate(_rows(settings)):
        files[number % FILES].write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    for file in files:
        file.close()


def _rows(settings: Settings) -> Iterator[dict[str, object]]:
    """The rows that ingest would write, without nulls."""
    limits = Limits(settings.max_event_bytes, round(settings.first_hour.timestamp() * 1000))
    consumer = KafkaConsumer(
        settings.kafka_topic,
        **connection_options(settings),
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    )
    for record in consumer:
        event = read_event(record.value, record.timestamp, limits=limits)
        hour_ms = event_hour(event.event_time_ms)
        row = {
            "event_hour": hour_ms,
            "bucket": bucket_of_key(event.key, event.event_time_ms, FIRST_LAYOUT),
            **dict(zip(COLUMNS, event.values, strict=True)),
            "create_time": UUID(bytes=event.key),
            "event_time": event.event_time_ms,
            "received_at": record.timestamp,
            "extra": event.extra,
        }
        yield {name: cell for name, cell in row.items() if cell is not None}
    consumer.close()


def _loaded(rows: Rows, folders: tuple[Path, Path], *, options: Sequence[str], same: SameRows) -> float:
    """Rows per second of DSBulk's command."""
    many, few = folders
    start_s = seconds_of(lambda: _load(rows.few, few, options))
    empty(rows.many)
    whole_s = rows.seconds("DSBulk", lambda: _load(rows.many, many, options))
    same(rows.many)
    return rows.rate(whole_s, start_s)


def _load(settings: Settings, folder: Path, options: Sequence[str]) -> None:
    jars = ":".join(str(jar) for jar in peer_classpath("dsbulk", settings))
    arguments = {
        "-c": "json",
        "-url": str(folder),
        "-k": settings.cassandra_keyspace,
        "-t": RAW_EVENTS.name,
        "-h": settings.cassandra_hosts,
        "-port": str(settings.cassandra_port),
        "-u": settings.cassandra_user,
        "-p": settings.cassandra_password.get_secret_value(),
        "-cl": "LOCAL_QUORUM",
        "--schema.allowMissingFields": "true",
        "--codec.timestamp": "UNITS_SINCE_EPOCH",  # the cheapest form to parse
        "--log.directory": str(folder.with_suffix(".log")),
        "--log.verbosity": "quiet",
    }
    named = [word for pair in arguments.items() for word in pair]
    command = [str(java_home() / "bin" / "java"), MORE_GROUPS, "-cp", jars, MAIN, "load", *named, *options]
    subprocess.run(command, check=True)
