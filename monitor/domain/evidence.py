"""Raw documents that a judgement rests on."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A body as it came. The store keeps it once, by its digest; `url` carries no credentials."""

    url: str
    sha256: str
    fetched_at: datetime
    body: bytes
