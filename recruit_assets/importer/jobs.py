"""The job dimension from a file: all of its rows are right, or nothing is stored."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.importer.cells import made_of, number_of, wrong
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.importer.source import Source
from recruit_assets.runtime.errors import RejectedEvent, UserError
from recruit_assets.stores.mysql.dimensions import JobRow

COLUMNS = tuple(column.name for column in fields(JobRow))
TITLE_CHARACTERS = 255
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00(?:[.]0+)?)?)?")


@dataclass(slots=True)
class JobsFile:
    """The jobs of a file, and its rows that are none."""

    jobs: list[JobRow] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    """Columns that the file has, besides id; others of the stored jobs stay as they are."""
    unknown: set[str] = field(default_factory=set)
    """Columns that the dimension doesn't have."""
    refused: list[RefusedRow] = field(default_factory=list)


def read_jobs(source: Source) -> JobsFile:
    """All jobs of the file; UserError if it can't have any."""
    found = JobsFile()

    def require_id(columns: Sequence[str]) -> None:
        _note_columns(found, columns)
        if "id" not in columns:
            raise UserError(
                f"{source.name} has no column id: name the one that has the job's number, such as --map COLUMN=id. "
                f"Its columns are {', '.join(columns)}"
            )

    def job(row: Row) -> JobRow:
        _note_columns(found, row.fields)
        return _job(row)

    found.jobs += made_of(
        source.rows(require_id),
        job,
        key=lambda one: one.id,
        name=lambda one: f"job {one.id}",
        refused=found.refused,
    )
    if found.jobs and not found.columns:
        raise UserError(f"{source.name} has no column of a job besides id: {', '.join(COLUMNS[1:])}")
    return found


def _note_columns(found: JobsFile, columns: Collection[str]) -> None:
    found.columns |= set(COLUMNS[1:]) & set(columns)
    found.unknown |= set(columns) - set(COLUMNS)


def _job(row: Row) -> JobRow:
    id = number_of(row, "id")
    if id is None:
        raise RejectedEvent(DeadLetterReason.MISSING, "id: absent or null")
    return JobRow(
        id,
        company_id=number_of(row, "company_id"),
        group_id=number_of(row, "group_id"),
        campaign_id=number_of(row, "campaign_id"),
        title=_title(row),
        end_date=_end_date(row),
    )


def _title(row: Row) -> str | None:
    found = row.fields.get("title")
    if found is None or (isinstance(found, str) and len(found) <= TITLE_CHARACTERS):
        return found
    if isinstance(found, str):
        raise wrong("title", found, wanted=f"at most {TITLE_CHARACTERS} characters")
    raise wrong("title", found, wanted="text")


def _end_date(row: Row) -> date | None:
    """A date; exports often give it the time midnight."""
    found = row.fields.get("end_date")
    if found is None:
        return None
    spelled = _DATE.fullmatch(found.strip()) if isinstance(found, str) else None
    try:
        return date.fromisoformat(spelled[1] if spelled else "")
    except ValueError:
        raise wrong("end_date", found, wanted="a date such as 2026-01-31") from None
