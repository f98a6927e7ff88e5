"""Waivers and acknowledgements: somebody answers for a finding, for a while."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.finding import Finding


class Kind(StrEnum):
    """What somebody said of a finding."""

    WAIVER = "waiver"
    """It is accepted: nobody is told, nothing is asked."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """Somebody works on it: nobody else is reminded. It stays open and counts."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for, until `expires_at`. `server` and `subject` may be `*`."""

    rule: str
    server: str
    subject: str
    reason: str
    by: str
    expires_at: datetime
    kind: Kind = Kind.WAIVER
    given_at: datetime | None = None  # None: it stands in the configuration
    id: str = ""
    """By which it can be undone; empty: it stands in the configuration."""

    def names(self, finding: Finding) -> bool:
        """Whether it is about the finding."""
        return (
            self.rule == finding.rule
            and self.server in ("*", finding.server)
            and self.subject in ("*", finding.subject)
        )

    def covers(self, finding: Finding, now: datetime) -> bool:
        """Whether the finding is answered for at that time."""
        return now < self.expires_at and self.names(finding)
