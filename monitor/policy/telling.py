"""Who is told what, now: pages, notices and all-clears, one thread for each incident.

An incident begins with the first message about a server of which nothing told was open, and ends when nothing told of it is open any more.
Servers on no list that are found in one look begin one incident together: the first look at a fleet is one message. What is found of one of
them later goes on there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor import messages
from monitor.domain.action import SendAlert, UpdateAlert
from monitor.domain.document import Bullets, Document
from monitor.domain.finding import Delta, Severity, Tracked
from monitor.domain.fingerprint import fingerprint
from monitor.domain.server import Server
from monitor.policy.lanes import Lane, lane, live_findings
from monitor.policy.settings import Policy
from monitor.wording import answered_words

LOUDNESS = ("", Lane.DIGEST.value, Lane.TICKET.value, Lane.PAGE.value)


@dataclass(frozen=True, slots=True)
class Told:
    """The rows that changed, and what is to be said."""

    rows: tuple[Tracked, ...]
    alerts: tuple[SendAlert | UpdateAlert, ...]


def tell(
    policy: Policy, server: Server | None, delta: Delta, now: datetime, *, ticket: str = "", shows: str = ""
) -> Told:
    """Write pages, notices and all-clears for these findings: at most one of each for each incident that they belong to.

    Alerted is what pages, and what would open a ticket but names no version to decide about. A finding that came back is told
    again only when the cooldown has passed; one that got worse is told at once. `server` None: findings of no listed server.
    `ticket`: the mark of the ticket in which they are decided; `shows`: the fingerprint of the pin that it asks about.
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
    talk = _Talk(policy, server, (ticket, shows), _running(policy, delta, now))
    rows = {each.finding.fingerprint: each for each in delta.touched}
    for kind, group in (("page", pages), ("notice", notices)):
        for incident, told in talk.say(kind, group):
            where = Lane.PAGE if kind == "page" else Lane.TICKET
            rows |= {
                each.finding.fingerprint: replace(each, alerted_at=now, told=where.value, incident=incident)
                for each in told
            }
    talk.say("resolved", over)
    # Those who were paged and then heard that it is over hear at once when it is back, whatever the cooldown.
    rows |= {each.finding.fingerprint: replace(each, told="") for each in over if each.told == Lane.PAGE}
    still = [rows.get(each.finding.fingerprint, each) for each in live]
    return Told(tuple(rows.values()), (*talk.said, *heads(talk.said, still, policy, now)))


TITLES = {"page": "Act now", "notice": "Notice", "resolved": "Resolved"}


@dataclass(slots=True)
class _Talk:
    """What is said in one look. `running`: by server, the incident that its news belong to; one that begins here is added."""

    policy: Policy
    server: Server | None
    ticket: tuple[str, str]
    running: dict[str, str]
    said: list[SendAlert] = field(default_factory=list)

    def say(self, kind: str, group: Sequence[Tracked]) -> list[tuple[str, Sequence[Tracked]]]:
        """Say it in the threads where it belongs; what belongs to none begins one together. Return which finding went where."""
        by_incident: dict[str, list[Tracked]] = {}
        for each in group:
            own = each.incident if kind == "resolved" else ""
            by_incident.setdefault(own or self.running.get(each.finding.server, ""), []).append(each)
        gone: list[tuple[str, Sequence[Tracked]]] = []
        for running, told in by_incident.items():
            key = _key(kind, told)
            incident = running or fingerprint("incident", key)
            self.said.append(self._alert(kind, told, key, incident, begins=not running))
            if kind != "resolved":
                self.running |= {each.finding.server: incident for each in told}
            gone.append((incident, told))
        return gone

    def _alert(self, kind: str, group: Sequence[Tracked], key: str, incident: str, *, begins: bool) -> SendAlert:
        over = kind == "resolved"
        body = messages.resolved_body(group) if over else messages.alert_body([each.finding for each in group])
        severity = max((each.finding.severity for each in group), key=lambda severity: severity.rank)
        return SendAlert(
            key,
            self.policy.channel_for(self.server),
            f"{TITLES[kind]}: {_subject(group)}",
            body,
            severity.value,
            incident=incident,
            begins=begins,
            loud=kind == "page" and not begins,
            # Only a page calls somebody by name.
            owner=self.server.owner if self.server and kind == "page" else "",
            ticket=self.ticket[0],
            shows=self.ticket[1],
        )


def _running(policy: Policy, delta: Delta, now: datetime) -> dict[str, str]:
    """Return by server the incident that goes on: something told of it is open, was until this look, or came back within the cooldown."""
    told = [
        each
        for each in (*delta.open, *delta.resolved)
        if each.incident and each.alerted_at and (_told_of_this(each) or now - each.alerted_at < policy.cooldown)
    ]
    return {each.finding.server: each.incident for each in sorted(told, key=lambda each: each.alerted_at or now)}


def head_of(incident: str) -> str:
    """How the keys of everything begin that writes the first message of an incident anew: the one that was queued last says it all."""
    return f"head:{incident}:"


def heads(said: Sequence[SendAlert], live: Sequence[Tracked], policy: Policy, now: datetime) -> list[UpdateAlert]:
    """Write the first message of each incident anew that got a reply: what is open of it, or that it is over."""
    updates = []
    for incident, reply in {each.incident: each for each in said if not each.begins}.items():
        still = [each for each in live if each.incident == incident]
        worst_first = sorted(still, key=lambda each: -each.finding.severity.rank)
        updates.append(
            UpdateAlert(
                f"{head_of(incident)}{reply.key}",
                reply.channel,
                f"Open: {_subject(still)}" if still else f"Over: {reply.title.partition(': ')[2]}",
                _standing(worst_first, policy, now) if still else reply.body,
                worst_first[0].finding.severity.value if still else Severity.INFO.value,
                incident,
                reply.ticket,
                reply.shows,
                bool(still),
            )
        )
    return updates


def _standing(worst_first: Sequence[Tracked], policy: Policy, now: datetime) -> Document:
    """What is open, and who works on it."""
    taken = [
        f"{each.finding.rule}: {answered_words(answer)}"
        for each in worst_first
        if (answer := policy.acknowledgement(each.finding, now))
    ]
    body = messages.alert_body([each.finding for each in worst_first])
    return (*([Bullets(tuple(taken[:10]))] if taken else []), *body)


def _subject(group: Sequence[Tracked]) -> str:
    names = sorted({each.finding.server for each in group})
    return names[0] if len(names) == 1 else f"{len(names)} servers on no list"


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
