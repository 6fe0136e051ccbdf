"""The result of the last audit, kept in the state directory for the report page and Prometheus."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recruit_assets.observability.audit.results import AuditResult
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings

FILE = "last_audit.json"


class LastAudit(BaseModel):
    """When an audit ended, how many records it covered, how many rules it checked and which were broken."""

    model_config = ConfigDict(frozen=True)

    ended_at: AwareDatetime
    records: int
    rules: int
    broken: tuple[str, ...]

    @property
    def exact(self) -> bool:
        return not self.broken


def keep_last_audit(settings: Settings, result: AuditResult) -> None:
    """Replace the stored result."""
    last = LastAudit(
        ended_at=datetime.now(UTC),
        records=result.span.records,
        rules=len(result.results),
        broken=tuple(one.rule for one in result.differences),
    )
    atomic_write(_file(settings), last.model_dump_json().encode())


def read_last_audit(settings: Settings) -> LastAudit | None:
    """None before the first audit; UserError if the file can't be read as one."""
    file = _file(settings)
    try:
        return LastAudit.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise UserError(f"{file} isn't the result of an audit: run an audit again, or remove it") from error
    except OSError as error:
        raise UserError(f"can't read {file}: {error.strerror}") from error


def _file(settings: Settings) -> Path:
    return settings.state_dir / FILE
