"""Imports a file of events: checks all of it, then sends it to the event topic and records how far it got.

A killed import goes on after the last rows that are recorded. It may send some rows twice; they are the same events,
since a row without create_time always gets the same one (`importer.identity`).
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from recruit_assets.contract.retention import KEEP_ALL, Retention, RetentionChange
from recruit_assets.importer.check import AcceptedRow, FileReport, checked_rows, require_time
from recruit_assets.importer.identity import Identity
from recruit_assets.importer.rejected_file import rejected_file, rejected_path
from recruit_assets.importer.rows import RefusedRow
from recruit_assets.importer.source import Scan, Source
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.signals import stop_on_signals
from recruit_assets.runtime.times import EPOCH, to_ms
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.imports import Import, advance_import, begin_import, find_import, finish_import
from recruit_assets.transforms.validate import Limits

CHUNK_ROWS = 1_000
CHECKPOINT_CHUNKS = 20
"""A killed import sends at most so many chunks twice. Waiting for the acknowledgements costs about 0.1 s each time."""

Progress = Callable[[str, int, int], object]
"""Takes what is being done, the line that it has come to, and the last line: 0 if that is unknown."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did."""

    report: FileReport
    sent: int = 0
    """Rows sent by this call."""
    skipped: int = 0
    """Rows that an earlier call had done."""
    is_finished: bool = False
    rejected: Path | None = None
    """The file that has the refused rows."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Checks and sends one file; UserError if the file changes meanwhile."""

    settings: Settings
    source: Source
    key: str
    """The field that identifies rows without create_time; empty: none does."""
    scan: Scan
    state: tuple[int, int, int]
    """The file's when it was scanned."""
    received_at_ms: int
    """Rows are checked as if Kafka received them then."""
    progress: Progress

    def dry_run(self) -> FileReport:
        """What is in the file; writes nothing, and needs no store."""
        return self._check(keep_refused=False)

    def run(self, *, again: bool = False, skip_refused: bool = False) -> ImportResult:
        """Send the rows that no earlier call has sent. The schema must exist.

        If a row would be refused, nothing is sent; with `skip_refused` the others are, and the refused go to a file.
        UserError if the file was imported before; `again` sends it from its first row. A signal ends the sending
        after the rows in flight are acknowledged.
        """
        with open_report_database(self.settings) as database:
            begun = self._earlier(database, again=again)
            report = self._check(keep_refused=skip_refused)
            rejected = rejected_path(self.source.path) if report.refused and skip_refused else None
            if report.refused and not skip_refused:
                return ImportResult(report)
            if begun is None:
                begin_import(database, *self._place, file_name=self.source.name[:255], options=self._options)
            skipped = begun.rows_done if begun else 0
            with stop_on_signals() as stop:
                sent, done = self._send(database, skipped, should_stop=stop.is_set)
            if done < report.rows:
                return ImportResult(report, sent, skipped, rejected=rejected)
            self._require_unchanged()
            finish_import(database, *self._place, rows_done=done)
            return ImportResult(report, sent, skipped, is_finished=True, rejected=rejected)

    @property
    def _place(self) -> tuple[str, str]:
        return self.settings.kafka_topic, self.scan.digest

    @property
    def _options(self) -> str:
        """A hash of what decides which rows the file has, and what they are."""
        source = self.source
        options = [source.format, source.delimiter, source.max_bytes, self.key, sorted(source.columns.fields.items())]
        return hashlib.sha256(json.dumps(options).encode()).hexdigest()

    def _earlier(self, database: ReportDatabase, *, again: bool) -> Import | None:
        """The import to go on with; None to begin."""
        found = None if again else find_import(database, *self._place)
        if found is None:
            return None
        name = self.source.name if found.file_name == self.source.name else f"{self.source.name} ({found.file_name})"
        if found.finished_at:
            raise UserError(
                f"{name} was imported at {found.finished_at:%Y-%m-%d %H:%M:%S} UTC, with {found.rows_done:,} rows. Use "
                "--again to send it once more: with the same options, its rows are the same events"
            )
        if found.options != self._options:
            raise UserError(
                f"the import of {name} was begun with other options (--map, --key, --format, --delimiter or "
                f"RECRUIT_MAX_EVENT_BYTES), and {found.rows_done:,} rows are done. Use the same to go on, or --again "
                "to begin anew"
            )
        return found

    def _check(self, *, keep_refused: bool) -> FileReport:
        """Read the whole file. With `keep_refused`, the refused rows are written beside it."""
        report = FileReport()
        with ExitStack() as stack:
            write = stack.enter_context(rejected_file(rejected_path(self.source.path))) if keep_refused else None
            for rows in in_chunks(self._rows(), CHUNK_ROWS):
                for row in rows:
                    report.add(row)
                    if write and isinstance(row, RefusedRow):
                        write(row)
                self.progress("check", rows[-1].number, self.scan.last)
        self._require_unchanged()
        return report

    def _send(self, database: ReportDatabase, skipped: int, *, should_stop: Callable[[], bool]) -> tuple[int, int]:
        """Send the rows after the first `skipped`. How many were sent, and how many of the file's rows are done."""
        sent, done = 0, 0
        with open_publisher(self.settings) as publisher:
            for number, rows in enumerate(in_chunks(self._rows(), CHUNK_ROWS), 1):
                values = _values(rows[max(0, skipped - done) :])
                if values:
                    publisher.send(values)
                sent, done = sent + len(values), done + len(rows)
                self.progress("send", rows[-1].number, self.scan.last)
                stops = should_stop()
                if done > skipped and (stops or number % CHECKPOINT_CHUNKS == 0):
                    publisher.finish()
                    advance_import(database, *self._place, rows_done=done)
                if stops:
                    break
            publisher.finish()
        return sent, done

    def _rows(self) -> Iterator[AcceptedRow | RefusedRow]:
        name = self.source.name
        return checked_rows(
            self.source.rows(lambda fields: require_time(fields, name=name)),
            identity=Identity(self.scan.digest, self.key),
            limits=_limits(self.settings),
            received_at_ms=self.received_at_ms,
        )

    def _require_unchanged(self) -> None:
        if _state_of(self.source.path) != self.state:
            raise UserError(f"{self.source.name} changed while it was read: import it when nothing writes to it")


def open_importer(
    settings: Settings, source: Source, *, key: str = "", progress: Progress = lambda _name, _done, _total: None
) -> Importer:
    """An importer of this file, which is read once for its hash; `key` is a column."""
    field = source.columns.field_of(key) if key else ""
    if key and not field:
        raise UserError(f"--key {key} is a column that --map leaves out")
    state = _state_of(source.path)
    return Importer(settings, source, field, source.scan(), state, round(time.time() * 1000), progress)


def _values(rows: Sequence[AcceptedRow | RefusedRow]) -> list[bytes]:
    return [row.value for row in rows if isinstance(row, AcceptedRow)]


def _limits(settings: Settings) -> Limits:
    """The limits of ingest, once the settings are in force there."""
    retention = Retention((RetentionChange(EPOCH, settings.retention_days),)) if settings.retention_days else KEEP_ALL
    return Limits(settings.max_event_bytes, to_ms(settings.first_hour), retention)


def _state_of(path: Path) -> tuple[int, int, int]:
    """What tells that a file was written to."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
