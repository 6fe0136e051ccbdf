"""The verdict of the last audit, kept in the state directory for those who show it: the report page and Prometheus.

Belongs here: writing and reading it. Not here: the audit itself (`run`), which changes nothing.
"""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recruit_assets.observability.audit.results import AuditResult
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings

FILE = "last_audit.json"


class LastAudit(BaseModel):
    """When an audit ended, about how many records, and the rules that it found broken."""

    model_config = ConfigDict(frozen=True)

    ended_at: AwareDatetime
    records: int
    rules: int
    broken: tuple[str, ...]

    @property
    def exact(self) -> bool:
        return not self.broken


def keep_last_audit(settings: Settings, result: AuditResult) -> None:
    """Replace what the last audit said."""
    last = LastAudit(
        ended_at=datetime.now(UTC),
        records=result.span.records,
        rules=len(result.findings),
        broken=tuple(finding.rule for finding in result.differences),
    )
    atomic_write(_file(settings), last.model_dump_json().encode())


def read_last_audit(settings: Settings) -> LastAudit | None:
    """None before the first audit; Inconsistent where the file isn't ours."""
    file = _file(settings)
    try:
        return LastAudit.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Inconsistent(f"{file} isn't the verdict of an audit; remove it, or audit again") from error


def _file(settings: Settings) -> Path:
    return settings.state_dir / FILE
