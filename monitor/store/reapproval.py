"""What people said and asked beside reviews: waivers, submissions, recertifications; and the connections that gateways logged."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from monitor.domain.connection import Connection
from monitor.domain.recertification import Recertification, Standing
from monitor.domain.submission import Submission
from monitor.domain.waiver import Waiver
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.transaction import Transaction


class Reapproval:
    """Rows of `waivers`, `submissions`, `recertifications` and `connections`."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def waivers(self, now: datetime | None = None) -> list[Waiver]:
        """Return the waivers and acknowledgements by command that hold at that time (None: every one that was ever given), oldest first."""
        columns = tables.waivers.c
        found = select(columns.document).order_by(columns.given_at, columns.id)
        if now is not None:
            found = found.where(columns.expires_at > now, columns.undone_at.is_(None))
        return [documents.WAIVER.decode(document) for (document,) in self._in.rows(found)]

    def keep_waivers(self, waivers: Collection[Waiver]) -> None:
        """Insert or update by id."""
        rows = [
            {
                "id": each.id,
                "given_at": each.given_at,
                "expires_at": each.expires_at,
                "undone_at": None,
                "document": documents.write(each),
            }
            for each in waivers
        ]
        self._in.put(tables.waivers, rows)

    def undo_waiver(self, waiver: str, at: datetime) -> bool:
        """Let it hold no more from that time on; return whether it did hold."""
        columns = tables.waivers.c
        it = update(tables.waivers).where(columns.id == waiver, columns.undone_at.is_(None), columns.expires_at > at)
        return self._in.change(it.values(undone_at=at)) > 0

    def submissions(self) -> list[Submission]:
        """Return every submission, oldest first."""
        columns = tables.submissions.c
        rows = self._in.rows(select(columns.document).order_by(columns.submitted_at, columns.server))
        return [documents.SUBMISSION.decode(document) for (document,) in rows]

    def keep_submissions(self, submissions: Collection[Submission]) -> None:
        """Insert or update by the server's name."""
        rows = [
            {
                "server": key(each.server.name),
                "submitted_at": each.submitted_at,
                "stage": each.stage.value,
                "document": documents.write(each),
            }
            for each in submissions
        ]
        self._in.put(tables.submissions, rows)

    def recertifications(self, standing: Standing | None = None) -> list[Recertification]:
        """Return the quarterly questions that stand so (None: all)."""
        columns = tables.recertifications.c
        found = select(columns.document).order_by(columns.quarter, columns.fingerprint)
        if standing is not None:
            found = found.where(columns.state == standing.value)
        return [documents.RECERTIFICATION.decode(document) for (document,) in self._in.rows(found)]

    def keep_recertifications(self, recertifications: Collection[Recertification]) -> None:
        """Insert or update by owner and quarter."""
        rows = [
            {
                "fingerprint": each.fingerprint,
                "quarter": key(each.quarter),
                "state": each.standing.value,
                "document": documents.write(each),
            }
            for each in recertifications
        ]
        self._in.put(tables.recertifications, rows)

    def connections(self, begin: datetime, end: datetime) -> list[Connection]:
        """Return the connections from `begin` on and before `end`, oldest first."""
        columns = tables.connections.c
        within = select(columns.document).where(columns.at >= begin, columns.at < end)
        return [
            documents.CONNECTION.decode(document)
            for (document,) in self._in.rows(within.order_by(columns.at, columns.id))
        ]

    def keep_connections(self, connections: Collection[Connection]) -> int:
        """Keep those that are not kept yet; return how many."""
        rows = [
            {"id": each.id, "at": each.at, "server": key(each.server), "document": documents.write(each)}
            for each in connections
        ]
        return self._in.add(tables.connections, rows)
