"""What people said and asked, what gateways logged, and how far something was read: the part of a unit of work beside what is looked at."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from monitor.domain.connection import Connection
from monitor.domain.recertification import Recertification, Standing
from monitor.domain.submission import Submission
from monitor.domain.waiver import Waiver


class Answers(Protocol):
    """Read and kept in the same transaction as everything else of a unit of work."""

    def waivers(self, now: datetime | None = None) -> list[Waiver]:
        """Return the waivers and acknowledgements by command that hold at that time (None: every one that was ever given), oldest first."""

    def submissions(self) -> list[Submission]:
        """Return every submission, oldest first."""

    def recertifications(self, standing: Standing | None = None) -> list[Recertification]:
        """Return the quarterly questions that stand so (None: all)."""

    def connections(self, begin: datetime, end: datetime) -> list[Connection]:
        """Return the connections from `begin` on and before `end`, oldest first."""

    def keep_waivers(self, waivers: Collection[Waiver]) -> None:
        """Insert or update by id."""

    def undo_waiver(self, waiver: str, at: datetime) -> bool:
        """Let it hold no more from that time on; return whether it did hold."""

    def keep_submissions(self, submissions: Collection[Submission]) -> None:
        """Insert or update by the server's name."""

    def keep_recertifications(self, recertifications: Collection[Recertification]) -> None:
        """Insert or update by owner and quarter."""

    def keep_connections(self, connections: Collection[Connection]) -> int:
        """Keep those that are not kept yet; return how many."""

    def cursor(self, name: str) -> int | None:
        """Return up to where something that only grows was read, None where it never was."""

    def keep_cursor(self, name: str, position: int) -> None:
        """Note up to where it is read now."""
