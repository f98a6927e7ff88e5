"""Raw documents that a judgement rests on."""

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.provenance import TrustRoot


@dataclass(frozen=True, slots=True)
class Evidence:
    """A body as it came. The store keeps it once, by its digest; `url` carries no credentials. `body` empty: too large to be kept."""

    url: str
    sha256: str
    fetched_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Grounds:
    """When, and under which trust roots, the claims about a version were decided. The documents are named by the claims themselves."""

    decided_at: datetime
    roots: tuple[TrustRoot, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """That an address gave a body: first and last."""

    url: str
    sha256: str
    first_fetched_at: datetime
    fetched_at: datetime
