"""Who is told what, now: pages, notices and all-clears, one thread for each incident.

An incident begins with the first message about a server of which nothing told was open, and ends when nothing told of it is open any more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor import messages
from monitor.domain.action import SendAlert, UpdateAlert
from monitor.domain.finding import Delta, Tracked
from monitor.domain.fingerprint import fingerprint
from monitor.domain.server import Server
from monitor.policy.lanes import Lane, lane, live_findings
from monitor.policy.settings import Policy

LOUDNESS = ("", Lane.DIGEST.value, Lane.TICKET.value, Lane.PAGE.value)


@dataclass(frozen=True, slots=True)
class Told:
    """The rows that changed, and what is to be said."""

    rows: tuple[Tracked, ...]
    alerts: tuple[SendAlert | UpdateAlert, ...]


def tell(policy: Policy, server: Server | None, delta: Delta, now: datetime, *, ticket: str = "") -> Told:
    """Write at most one page, one notice and one all-clear for these findings.

    Alerted is what pages, and what would open a ticket but names no version to decide about. A finding that came back is told
    again only when the cooldown has passed; one that got worse is told at once. `server` None: findings of no listed server.
    `ticket`: the mark of the ticket in which they are decided.
    """
    live = live_findings(policy, delta.open, now)
    pages, notices = [], []
    for each in live:
        where = lane(policy, each.finding, live)
        if not _due(policy, each, where, now):
            continue
        if where is Lane.PAGE:
            pages.append(each)
        elif where is Lane.TICKET and each.finding.about is None:
            notices.append(each)
    over = [each for each in delta.resolved if each.told in (Lane.PAGE, Lane.TICKET) and _told_of_this(each)]
    thread = _Thread.of(policy, server, delta, ticket)
    groups = (("page", "Act now", pages), ("notice", "Notice", notices), ("resolved", "Resolved", over))
    alerts: list[SendAlert | UpdateAlert] = []
    rows = {each.finding.fingerprint: each for each in delta.touched}
    for kind, title, group in groups:
        if not group:
            continue
        alert = thread.say(kind, title, group)
        alerts.append(alert)
        where = Lane.PAGE if kind == "page" else Lane.TICKET
        for each in group if kind != "resolved" else ():
            told = replace(each, alerted_at=now, told=where.value, incident=alert.incident)
            rows[each.finding.fingerprint] = told
    # Those who were paged and then heard that it is over hear at once when it is back, whatever the cooldown.
    rows |= {each.finding.fingerprint: replace(each, told="") for each in over if each.told == Lane.PAGE}
    return Told(tuple(rows.values()), (*alerts, *thread.heads(alerts, list(rows.values()), live)))


@dataclass(slots=True)
class _Thread:
    """Where what is said about one server goes: its running incident, or a new one."""

    policy: Policy
    server: Server | None
    running: str
    ticket: str

    @classmethod
    def of(cls, policy: Policy, server: Server | None, delta: Delta, ticket: str) -> "_Thread":
        told = [each for each in (*delta.open, *delta.resolved) if each.incident and _told_of_this(each)]
        latest = max(told, key=lambda each: each.alerted_at or each.opened_at, default=None)
        return cls(policy, server, latest.incident if latest and server else "", ticket)

    def say(self, kind: str, title: str, group: Sequence[Tracked]) -> SendAlert:
        names = sorted({each.finding.server for each in group})
        subject = names[0] if len(names) == 1 else f"{len(names)} servers on no list"
        body = (
            messages.resolved_body(group)
            if kind == "resolved"
            else messages.alert_body([each.finding for each in group])
        )
        severity = max((each.finding.severity for each in group), key=lambda severity: severity.rank)
        key = _key(kind, group)
        incident = self.running
        if kind == "resolved" and not incident:
            incident = next((each.incident for each in group if each.incident), "")
        begins = not incident
        if begins:
            incident = fingerprint("incident", key)
            self.running = incident if self.server else ""
        return SendAlert(
            key,
            self.policy.channel_for(self.server),
            f"{title}: {subject}",
            body,
            severity.value,
            incident=incident,
            begins=begins,
            loud=kind == "page" and not begins,
            owner=self.server.owner if self.server else "",
            ticket=self.ticket,
        )

    def heads(
        self, said: Sequence[SendAlert | UpdateAlert], rows: Collection[Tracked], live: Iterable[Tracked]
    ) -> list[UpdateAlert]:
        """Write the first message of each incident anew that got a reply: what is open of it, or that it is over."""
        updates = []
        replies = {each.incident: each for each in said if isinstance(each, SendAlert) and not each.begins}
        for incident, reply in replies.items():
            now = {each.finding.fingerprint: each for each in live} | {each.finding.fingerprint: each for each in rows}
            still = [each for each in now.values() if each.open and each.incident == incident]
            subject = reply.title.partition(": ")[2]
            title = f"{'Open' if still else 'Over'}: {subject}"
            body = messages.alert_body([each.finding for each in still]) if still else reply.body
            key = f"head:{reply.key}"
            updates.append(
                UpdateAlert(key, reply.channel, title, body, reply.severity if still else "info", incident, self.ticket)
            )
        return updates


def _due(policy: Policy, tracked: Tracked, where: Lane, now: datetime) -> bool:
    """Whether it is to be told: never told, told less loudly than it deserves now, or come back after the cooldown."""
    if tracked.alerted_at is None or LOUDNESS.index(tracked.told) < LOUDNESS.index(where.value):
        return True
    return not _told_of_this(tracked) and now - tracked.alerted_at >= policy.cooldown


def _told_of_this(tracked: Tracked) -> bool:
    """Whether somebody was told of this occurrence, not of an earlier one."""
    return tracked.alerted_at is not None and tracked.alerted_at >= tracked.opened_at


def _key(kind: str, group: Sequence[Tracked]) -> str:
    """Name what is told: which findings, which time, how bad; the same told twice is not told again."""
    said = sorted(f"{each.finding.fingerprint}.{each.occurrences}.{each.finding.severity.value}" for each in group)
    return f"{kind}:{fingerprint(*said)}"
