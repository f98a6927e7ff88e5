"""What the columns of every table hold: keys that any index takes, text that any database takes, aware UTC times."""

from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import DateTime, Dialect, TypeDecorator

KEY_BYTES = 400
"""PostgreSQL refuses index rows over 2,704 bytes; the longest index here has three parts."""


def key(text: str) -> str:
    """Return the text itself, or where no index can hold it (too long, NUL, half a surrogate) its start and its digest.

    Nothing is ever read back from a key: what it names stands in the document beside it.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= KEY_BYTES and "\0" not in text and raw.decode("utf-8", "replace") == text:
        return text
    start = raw[:64].decode("ascii", "ignore").replace("\0", "")
    return f"{start}~{sha256(raw).hexdigest()}"


def plain(text: str) -> str:
    """Return the text as a text column can hold it: PostgreSQL takes no NUL, and nothing takes half a surrogate."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


class Time(TypeDecorator[datetime]):
    """An aware UTC time on every database; a naive one is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring to UTC before the zone is lost (SQLite keeps none)."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
