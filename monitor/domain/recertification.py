"""The quarterly question to an owner: which of your servers do you keep."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.fingerprint import fingerprint


class Standing(StrEnum):
    """How far the question is."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    """Nobody answered in time: what it asked about has to be reviewed."""


class Answer(StrEnum):
    """What the owner says of one server."""

    KEEP = "keep"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Answered:
    """An owner's word about one server."""

    server: str
    answer: Answer
    by: str
    at: datetime
    via: str


@dataclass(frozen=True, slots=True)
class Recertification:
    """One owner's servers in one quarter (`2026Q4`)."""

    owner: str
    quarter: str
    servers: tuple[str, ...]
    asked_at: datetime
    due_at: datetime
    standing: Standing = Standing.OPEN
    ticket: str = ""
    answers: tuple[Answered, ...] = ()
    answered_refs: tuple[str, ...] = ()
    """The tracker's names of words that were counted or answered."""

    @property
    def fingerprint(self) -> str:
        """One question for each owner and quarter; the mark of its ticket."""
        return fingerprint("recertification", self.owner, self.quarter)
