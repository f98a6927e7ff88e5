"""The quarterly question to an owner: which of your servers do you keep."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
    lost: int = 0
    """How many tickets that asked it are gone."""

    @property
    def fingerprint(self) -> str:
        """One question for each owner and quarter."""
        return fingerprint("recertification", self.owner, self.quarter)

    @property
    def mark(self) -> str:
        """The name that its ticket carries: another one each time a ticket is lost."""
        return fingerprint("again", self.fingerprint, str(self.lost)) if self.lost else self.fingerprint

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The servers for which nobody has said anything."""
        answered = {each.server for each in self.answers}
        return tuple(name for name in self.servers if name not in answered)


def quarter_of(at: datetime) -> str:
    """Return the quarter (`2026Q4`) of a time, in UTC."""
    at = at.astimezone(UTC)
    return f"{at.year}Q{(at.month - 1) // 3 + 1}"


def begins(quarter: str) -> datetime:
    """Return when a quarter begins, in UTC. Raises ValueError for what is none."""
    found = re.fullmatch(r"([12][0-9]{3})Q([1-4])", quarter)
    if not found:
        raise ValueError(f"expected a quarter such as 2026Q4, got {quarter[:20]!r}")
    return datetime(int(found[1]), int(found[2]) * 3 - 2, 1, tzinfo=UTC)


def overdue(questions: Iterable[Recertification], approved: Mapping[str, datetime | None]) -> dict[str, str]:
    """Return for each server that nobody answered for in time the quarter in which that was.

    `approved`: when each was approved. Who approved it after the question stands by it.
    """
    found: dict[str, str] = {}
    for each in sorted(questions, key=lambda question: (begins(question.quarter), question.owner)):
        if each.standing is Standing.OPEN:
            continue
        for name in each.servers:
            found.pop(name, None)
        found |= {
            name: each.quarter for name in each.unanswered if (at := approved.get(name)) is None or at <= each.asked_at
        }
    return found
