"""Actions on their way out. An action is queued once for ever (by its key), and taken by one process at a time.

    pending ──take──► taken ──settle──► delivered | dead | pending (try again) | uncertain (reconcile, then try again)
                        └── nobody settled in time ──► taken again, uncertain

Once an attempt may have been accepted, the action stays uncertain until it is delivered: a later attempt that surely failed says nothing
about the earlier one.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update

from monitor.domain.action import (
    Action,
    Ambiguous,
    Deferred,
    Delivered,
    Delivery,
    OpenTicket,
    Rejected,
    SendAlert,
    UpdateTicket,
)
from monitor.ports.store import Queued
from monitor.store.actions import read_action, write_action
from monitor.store.columns import key, plain
from monitor.store.tables import outbox
from monitor.store.transaction import Transaction

UNDELIVERED = ("pending", "taken", "uncertain", "dead")
STATES = (*UNDELIVERED, "delivered")
QUEUED = select(
    outbox.c.id,
    outbox.c.document,
    outbox.c.attempts,
    outbox.c.uncertain,
    outbox.c.created_at,
    outbox.c.tried_at,
    outbox.c.state,
    outbox.c.detail,
)
Row = tuple[int, str, int, bool, datetime, datetime | None, str, str]
"""What `QUEUED` selects."""


class Outbox:
    """Rows of `outbox`."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def queue(self, actions: Collection[Action], now: datetime) -> int:
        """Queue the actions whose key was never queued; return how many."""
        rows = [
            {
                "key": key(action.key),
                "state": "pending",
                "uncertain": False,
                "attempts": 0,
                "created_at": now,
                "next_try_at": now,
                "ref": "",
                "opens": _begins(action),
                "detail": "",
                "document": write_action(action),
            }
            for action in actions
        ]
        return self._in.add(outbox, rows)

    def take(self, *, now: datetime, until: datetime, by: str, limit: int) -> list[Queued]:
        """Take up to `limit` actions that are due, oldest first, for `by` until `until`.

        One that was taken and not settled in time was perhaps sent: it comes back as uncertain. `attempts` counts those before this one.
        """
        self._in.alone()  # What is selected first is what is updated then.
        due = or_(
            and_(outbox.c.state.in_(["pending", "uncertain"]), outbox.c.next_try_at <= now),
            and_(outbox.c.state == "taken", outbox.c.taken_until <= now),
        )
        rows = self._in.rows(QUEUED.where(due).order_by(outbox.c.id).limit(limit))
        taken = [replace(_queued(row), uncertain=row[3] or row[6] == "taken") for row in rows]
        self._in.change(
            update(outbox)
            .where(outbox.c.id.in_([queued.id for queued in taken]))
            .values(
                state="taken",
                uncertain=or_(outbox.c.uncertain, outbox.c.state == "taken"),
                taken_by=by,
                taken_until=until,
                tried_at=now,
                attempts=outbox.c.attempts + 1,
            )
        )
        return taken

    def settle(self, queued: Queued, delivery: Delivery, *, now: datetime, next_try_at: datetime | None) -> None:
        """Note how a delivery ended. `next_try_at` None after anything but `Delivered`: it is dead, and stays for people to see.

        Arrived is arrived, whoever says it; anything else counts only from who holds the action (`attempts` tells the takes apart).
        """
        it = update(outbox).where(outbox.c.id == queued.id).values(taken_by=None, taken_until=None)
        held = it.where(outbox.c.state == "taken", outbox.c.attempts == queued.attempts + 1)
        match delivery:
            case Delivered(ref):
                done = it.where(outbox.c.state != "delivered")
                self._in.change(
                    done.values(state="delivered", uncertain=False, ref=plain(ref), detail="", settled_at=now)
                )
            case Deferred(detail=detail) | Rejected(detail):
                self._in.change(
                    held.values(detail=plain(detail), **_next(next_try_at, now, uncertain=queued.uncertain))
                )
            case Ambiguous(detail):
                self._in.change(held.values(detail=plain(detail), **_next(next_try_at, now, uncertain=True)))

    def outbox(self) -> Mapping[str, int]:
        """Return how many actions are in each state: pending, taken, uncertain, delivered, dead."""
        counted = dict[str, int](
            self._in.rows(select(outbox.c.state, func.count()).group_by(outbox.c.state)),
        )
        return {state: counted.get(state, 0) for state in STATES}

    def undelivered(self, before: datetime) -> list[tuple[Queued, str]]:
        """Return the actions that were queued before that time and are not delivered, given up or not, with the last error."""
        late = QUEUED.where(outbox.c.state.in_(UNDELIVERED), outbox.c.created_at < before).order_by(outbox.c.id)
        return [(_queued(row), row[7]) for row in self._in.rows(late)]

    def began(self, names: Collection[str]) -> Mapping[str, str]:
        """Return for marks of tickets and names of incidents the receiver's reference of what began them, where it was delivered."""
        by_key = {key(name): name for name in names}
        opened = select(outbox.c.opens, outbox.c.ref).where(
            self._in.among(outbox.c.opens, list(by_key)), outbox.c.state == "delivered"
        )
        return {by_key[opens]: ref for opens, ref in self._in.rows(opened.order_by(outbox.c.id)) if opens}

    def action(self, name: str) -> Action | None:
        """Return the action that was queued under that key, sent or not; None: none was."""
        found = self._in.rows(select(outbox.c.document).where(outbox.c.key == key(name)))
        return next((read_action(document) for (document,) in found), None)

    def said_last(self, mark: str) -> OpenTicket | UpdateTicket | None:
        """Return what was queued last of the text of the ticket with that mark; None: it has none."""
        of_it = or_(outbox.c.opens == key(mark), outbox.c.key.startswith(f"update:{mark}:", autoescape=True))
        found = select(outbox.c.document).where(of_it).order_by(outbox.c.id.desc()).limit(1)
        actions = (read_action(document) for (document,) in self._in.rows(found))
        return next((each for each in actions if isinstance(each, OpenTicket | UpdateTicket)), None)

    def texts(self, mark: str) -> tuple[OpenTicket | UpdateTicket | None, list[OpenTicket | UpdateTicket]]:
        """Return the text of the ticket with that mark that reached it last (None: none did), and those that are under way."""
        of_it = or_(outbox.c.opens == key(mark), outbox.c.key.startswith(f"update:{mark}:", autoescape=True))
        # Without a reference: it was left out, because a younger one followed.
        there = and_(outbox.c.state == "delivered", outbox.c.ref != "")
        coming = outbox.c.state.in_(["pending", "taken", "uncertain"])
        documents = select(outbox.c.document).where(of_it).order_by(outbox.c.id.desc())
        last, rest = (
            [read_action(document) for (document,) in self._in.rows(query)]
            for query in (documents.where(there).limit(1), documents.where(coming))
        )
        found = next((each for each in last if isinstance(each, OpenTicket | UpdateTicket)), None)
        return found, [each for each in rest if isinstance(each, OpenTicket | UpdateTicket)]

    def queued(self, name: str) -> str:
        """Return in which state the action of that key is; empty: it was never queued."""
        found = select(outbox.c.state).where(outbox.c.key == key(name))
        return next((state for (state,) in self._in.rows(found)), "")

    def newest(self, prefix: str) -> int:
        """Return the id of the action that was queued last with a key that begins so; 0: none was."""
        found = select(func.max(outbox.c.id)).where(outbox.c.key.startswith(prefix, autoescape=True))
        return next((number for (number,) in self._in.rows(found) if number is not None), 0)


def _begins(action: Action) -> str | None:
    """Name what others will refer to: a ticket by its mark, an incident by its name."""
    match action:
        case OpenTicket():
            return key(action.fingerprint)
        case SendAlert(begins=True):
            return key(action.incident)
        case _:
            return None


def _queued(row: Row) -> Queued:
    number, document, attempts, uncertain, created_at, tried_at, _, _ = row
    return Queued(number, read_action(document), attempts, uncertain, created_at, tried_at)


def _next(next_try_at: datetime | None, now: datetime, *, uncertain: bool) -> dict[str, object]:
    if next_try_at is None:
        return {"state": "dead", "uncertain": uncertain, "settled_at": now}
    return {"state": "uncertain" if uncertain else "pending", "uncertain": uncertain, "next_try_at": next_try_at}
