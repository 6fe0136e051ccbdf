"""Times as the stores have them: milliseconds since the epoch, or UTC without a zone. Elsewhere datetimes are aware."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def from_ms(epoch_ms: int) -> datetime:
    """Exact, where fromtimestamp would go through a float."""
    return EPOCH + epoch_ms * MILLISECOND


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, rounded down."""
    return (moment - EPOCH) // MILLISECOND


def aware(stored: datetime) -> datetime:
    """A time that a driver returned without its zone, UTC."""
    return stored.replace(tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """UTC without a zone, as MySQL stores it: PyMySQL drops a zone without converting."""
    return moment.astimezone(UTC).replace(tzinfo=None)
