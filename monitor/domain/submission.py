"""A server that somebody asks for: on its way to being listed."""

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.server import Pin, Server
from monitor.domain.stage import Stage

__all__ = ["Stage", "Submission"]


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
    wanted: Stage = Stage.APPROVED
    """The stage that an approval brings it to: approved, or staging."""
    resembles: str = ""
    """The listed server for which its name may be mistaken, and how; found anew in each look."""

    def at(self, stage: Stage) -> "Submission":
        """Return the same at another stage."""
        return replace(self, stage=stage)
