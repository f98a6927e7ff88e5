"""Which server is due for which job, and who is looking at it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, or_, select, union, update

from monitor.ports.sources import Clock
from monitor.store.tables import due, outbox
from monitor.store.transaction import Transaction


class Due:
    """Rows of `due`: a claim is two columns, and holds until its time is over or it is given back."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        """Work in that transaction; the clock says whose claim is still running."""
        self._in = transaction
        self._clock = clock

    def enrol(self, job: str, servers: Collection[str], now: datetime) -> None:
        """Make each server due for the job at once, unless it is enrolled; forget those that are not named."""
        self._in.change(delete(due).where(due.c.job == job, ~self._in.among(due.c.server, servers)))
        self._in.add(due, [{"job": job, "server": server, "next_look_at": now} for server in set(servers)])

    def claim(
        self, job: str, *, now: datetime, until: datetime, by: str, limit: int, servers: Collection[str] | None
    ) -> list[str]:
        """Claim up to `limit` servers for `by` until `until`: due ones, or (given `servers`) these, due or not.

        No running claim is taken, not even one's own: two jobs of one process share its name.
        """
        wanted = due.c.next_look_at <= now if servers is None else self._in.among(due.c.server, servers)
        free = (
            select(due.c.server)
            .where(due.c.job == job, wanted, or_(due.c.claimed_by.is_(None), due.c.claimed_until <= now))
            .order_by(due.c.next_look_at, due.c.server)
            .limit(limit)
        )
        claimed = self._in.changed(
            update(due)
            .where(due.c.job == job, due.c.server.in_(free))
            .values(claimed_by=by, claimed_until=until)
            .returning(due.c.server)
        )
        return sorted(server for (server,) in claimed)

    def release(self, job: str, servers: Collection[str], *, next_look_at: datetime, by: str) -> None:
        """Give claims back, and set when the servers are due again; a claim that another process took over stays with it."""
        self._in.change(
            update(due)
            .where(due.c.job == job, due.c.claimed_by == by, self._in.among(due.c.server, servers))
            .values(claimed_by=None, claimed_until=None, next_look_at=next_look_at)
        )

    def break_claims(self, by: Collection[str]) -> int:
        """Drop the claims of processes that are known to be dead, on servers and on actions; return how many.

        An action that a dead process had taken was perhaps sent: it is uncertain from now on, and due at once.
        """
        servers = self._in.change(
            update(due).where(self._in.among(due.c.claimed_by, by)).values(claimed_by=None, claimed_until=None)
        )
        actions = self._in.change(
            update(outbox)
            .where(outbox.c.state == "taken", self._in.among(outbox.c.taken_by, by))
            .values(state="uncertain", uncertain=True, taken_by=None, taken_until=None)
        )
        return servers + actions

    def claimants(self) -> list[str]:
        """Return who holds running claims, on servers or on actions."""
        now = self._clock()
        holders = union(
            select(due.c.claimed_by.label("holder")).where(due.c.claimed_until > now),
            select(outbox.c.taken_by.label("holder")).where(outbox.c.state == "taken", outbox.c.taken_until > now),
        ).subquery()
        return [holder for (holder,) in self._in.rows(select(holders.c.holder).order_by(holders.c.holder))]
