"""Times as people write them at the keyboard."""

from datetime import UTC, date, datetime

from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop


def moment(text: str, option: str) -> tuple[datetime, bool]:
    """Read a day (at its beginning, in UTC) or a time, without a zone in UTC; and say whether it is a day. Raises `Stop`."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        expected = "expected 2026-11-24 or 2026-11-24T12:00Z"
        raise Stop(f"{option}: {expected}, got {one_line(text, 50)}", ExitCode.USAGE) from None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC), _is_day(text)
    except OverflowError:
        raise Stop(f"{option}: {one_line(text, 50)} is out of range", ExitCode.USAGE) from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
