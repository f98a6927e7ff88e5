"""A server that somebody asks for: on its way to being listed."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from monitor.domain.server import Pin, Server


class Stage(StrEnum):
    """Where a server stands on its way through the organisation."""

    SUBMITTED = "submitted"
    """Asked for; no ticket yet."""
    IN_REVIEW = "in-review"
    STAGING = "staging"
    """Approved to be tried, not for everybody: no export allows it."""
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Submission:
    """What was asked for, by whom, and why."""

    server: Server
    candidate: Pin
    purpose: str
    scopes: tuple[str, ...]
    """What it is to be allowed: data, systems, in the submitter's words."""
    by: str
    """The submitter's name in the configuration."""
    submitted_at: datetime
    stage: Stage = Stage.SUBMITTED

    def at(self, stage: Stage) -> "Submission":
        """Return the same at another stage."""
        return replace(self, stage=stage)
