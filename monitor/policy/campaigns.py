"""Burst days: when many servers of one scope or publisher ask at the same time, it is one matter, with one ticket and one message.

Each version is still decided by its own rules; the ticket shows the pins of all, so that a decision in it is about each of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.action import Action, CommentTicket, MoveTicket, OpenTicket, SendAlert, UpdateAlert, UpdateTicket
from monitor.domain.document import Document, Heading, Paragraph
from monitor.domain.fingerprint import fingerprint
from monitor.domain.review import OPEN, Review, State
from monitor.domain.server import Server
from monitor.policy.campaign_tickets import body, pins, portions, title, version
from monitor.policy.deciding import Decision
from monitor.policy.settings import Policy

INCIDENT = "campaign:"
"""Begins the names of incidents that many servers share: the first message of one is not written anew for one of them."""
LOUDEST_FIRST = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, slots=True)
class _Begun:
    """A review that begins, the ticket that is asked for it alone, and which decision it is of."""

    at: int
    review: Review
    ticket: OpenTicket


def common(server: Server | None, review: Review) -> str:
    """Name what a server has in common with its siblings: a scope, or who publishes; empty: nothing that is known."""
    purl = review.candidate.purl
    if purl.type == "npm" and purl.namespace:
        return f"npm scope {purl.namespace}"
    if purl.type == "github" and purl.namespace:
        return f"GitHub owner {purl.namespace}"
    if server and server.repository and server.repository.namespace:
        return f"GitHub owner {server.repository.namespace}"
    publisher = review.candidate.publisher
    owner = publisher.repository.rstrip("/").rpartition("/")[0].rpartition("/")[2] if publisher else ""
    return f"GitHub owner {owner}" if owner else ""


def gather(
    policy: Policy,
    decisions: Sequence[Decision],
    recent: Sequence[Review],
    servers: Mapping[str, Server],
    now: datetime,
) -> list[Decision]:
    """Let what begins together be one campaign. `recent`: the reviews that were opened within its time, and all that live with them."""
    made = [_without_heads(each) for each in decisions]
    known = {each.fingerprint: each for each in recent}
    known |= {each.fingerprint: each for decision in decisions for each in decision.reviews}
    late = [each for each in known.values() if each.state in OPEN and each.opened_at >= now - policy.campaigns.within]
    for name, group in _begun(made, servers).items():
        begun = {each.review.fingerprint for each in group}
        before = [each for each in late if each.fingerprint not in begun and _name(each, servers) == name]
        running = {each.lives_in for each in before if each.campaign}
        if not running and len({each.server for each in before} | {each.review.server for each in group}) < (
            policy.campaigns.at
        ):
            continue
        mark = _into_tickets(made, group, name, running, recent)
        _one_message(made, {each.at for each in group}, name, mark, now)
    return _closed(_whole_updates(made, recent), recent)


def emptied(ended: Iterable[Review], known: Iterable[Review]) -> list[MoveTicket]:
    """Close the tickets of campaigns in which nothing is left to decide, because of what ended without a person's word.

    `known`: all that live in these tickets, as they were before.
    """
    over = {each.fingerprint: each for each in ended}
    waiting = {each.mark for each in known if each.state in OPEN and each.fingerprint not in over}
    gone = {
        each.mark: each.server
        for each in over.values()
        if each.campaign and each.state in (State.WITHDRAWN, State.SUPERSEDED) and each.mark not in waiting
    }
    return [MoveTicket(f"closed:{mark}", server, mark, "withdrawn") for mark, server in gone.items()]


def evidence_key(review: Review) -> str:
    """Name the comment that holds the evidence for one version in the ticket of its campaign."""
    return f"evidence:{review.mark}:{review.fingerprint}.{review.occurrence}"


def campaign_marks(decisions: Iterable[Decision]) -> frozenset[str]:
    """Return the marks of the campaigns that the decisions touch."""
    return frozenset(each.lives_in for decision in decisions for each in decision.reviews if each.campaign)


def _begun(decisions: Sequence[Decision], servers: Mapping[str, Server]) -> dict[str, list[_Begun]]:
    groups: dict[str, list[_Begun]] = defaultdict(list)
    for at, decision in enumerate(decisions):
        tickets = {each.fingerprint: each for each in decision.actions if isinstance(each, OpenTicket)}
        for review in decision.reviews:
            ticket = tickets.get(review.mark)
            if ticket and review.state in OPEN and (name := common(servers.get(review.server), review)):
                groups[name].append(_Begun(at, review, ticket))
    return groups


def _name(review: Review, servers: Mapping[str, Server]) -> str:
    return review.campaign or common(servers.get(review.server), review)


def _into_tickets(
    made: list[Decision], group: Sequence[_Begun], name: str, running: Iterable[str], recent: Iterable[Review]
) -> str:
    """Let what begins live in the campaign's ticket with most room, and what it cannot list in others; return the first one's mark."""
    living = {each: _members(made, recent, each) for each in running}
    mark = min(living, key=lambda each: len(living[each]), default="")
    left, first = list(group), ""
    for count in portions((each.review for each in group), living.get(mark, ())):
        portion, left = left[:count], left[count:]
        if portion:
            here = mark or fingerprint("campaign", name, portion[0].review.own_mark)
            _move_in(made, portion, name, here)
            members = _members(made, recent, here)
            at = portion[0].at
            if mark:
                made[at] = _with(made[at], [_update(name, here, members), _joined(here, portion, members)])
            else:
                made[at] = _with(made[at], [_ticket(name, here, members, portion)], first=True)
            first = first or here
        mark = ""
    return first


def _move_in(decisions: list[Decision], group: Sequence[_Begun], name: str, mark: str) -> None:
    """Let the reviews live in the campaign; the evidence of each becomes a comment there, in place of its own ticket."""
    for each in group:
        decision = decisions[each.at]
        moved = replace(each.review, lives_in=mark, campaign=name)
        evidence = CommentTicket(
            evidence_key(moved),
            moved.server,
            mark,
            (Heading(each.ticket.title), *each.ticket.body),
        )
        decisions[each.at] = replace(
            decision,
            reviews=tuple(moved if it == each.review else it for it in decision.reviews),
            actions=tuple(
                evidence if it == each.ticket else _towards(it, each.ticket.fingerprint, mark)
                for it in decision.actions
            ),
        )


def _towards(action: Action, old: str, new: str) -> Action:
    """Let what points at the ticket that is not opened point at the campaign's."""
    if isinstance(action, SendAlert | UpdateAlert) and action.ticket == old:
        return replace(action, ticket=new)
    return action


def _with(decision: Decision, actions: Sequence[Action], *, first: bool = False) -> Decision:
    joined = (*actions, *decision.actions) if first else (*decision.actions, *actions)
    return replace(decision, actions=joined)


def _members(decisions: Iterable[Decision], recent: Iterable[Review], mark: str) -> list[Review]:
    """Return what waits in a campaign, with what has just been decided about it."""
    known = {each.fingerprint: each for each in recent}
    known |= {each.fingerprint: each for decision in decisions for each in decision.reviews}
    return sorted(
        (each for each in known.values() if each.lives_in == mark and each.state in OPEN),
        key=lambda each: (each.server, each.opened_at),
    )


def _ticket(name: str, mark: str, members: Sequence[Review], group: Sequence[_Begun]) -> OpenTicket:
    priority = min((each.ticket.priority for each in group), key=LOUDEST_FIRST.index)
    return OpenTicket(
        key=f"ticket:{mark}",
        server=members[0].server,
        fingerprint=mark,
        title=title(name, members),
        body=body(name, members),
        priority=priority,
        shows=pins(members),
    )


def _update(name: str, mark: str, members: Sequence[Review]) -> UpdateTicket:
    shown = pins(members)
    return UpdateTicket(
        key=f"update:{mark}:{fingerprint(*shown, *(f'{each.fingerprint}.{each.episode}' for each in members))}",
        server=members[0].server,
        fingerprint=mark,
        title=title(name, members),
        body=body(name, members),
        priority="medium",
        shows=shown,
    )


def _joined(mark: str, group: Sequence[_Begun], members: Sequence[Review]) -> CommentTicket:
    new = ", ".join(f"{each.review.server} {version(each.review)}" for each in group)
    text = f"More of the same campaign: {new}. This ticket asks about {len(members)} versions from now on."
    key = f"joined:{mark}:{fingerprint(*(each.review.fingerprint for each in group))}"
    return CommentTicket(key, group[0].review.server, mark, (Paragraph(text),))


def _one_message(decisions: list[Decision], of: Iterable[int], name: str, mark: str, now: datetime) -> None:
    """Let the first messages of all incidents of the campaign be one for each channel; what follows goes into its thread."""
    by_channel: dict[str, list[tuple[int, SendAlert]]] = defaultdict(list)
    for at in sorted(of):
        for each in decisions[at].actions:
            if isinstance(each, SendAlert) and each.begins:
                by_channel[each.channel].append((at, each))
    for channel, alerts in by_channel.items():
        if len(alerts) < 2:  # noqa: PLR2004 one is one message already
            continue
        incident = INCIDENT + fingerprint(mark, channel, now.isoformat())
        severity = min((each.severity for _, each in alerts), key=LOUDEST_FIRST.index)
        lines: list[Document] = [(Heading(each.title), *each.body) for _, each in alerts]
        head = SendAlert(
            f"{incident}:head",
            channel,
            f"Act now: {len(alerts)} servers of {name}",
            tuple(block for line in lines for block in line),
            severity,
            incident=incident,
            begins=True,
            owner=alerts[0][1].owner if len({each.owner for _, each in alerts}) == 1 else "",
            ticket=mark,
        )
        for at, alert in alerts:
            decision = decisions[at]
            decisions[at] = replace(
                decision,
                tracked=tuple(
                    replace(it, incident=incident) if it.incident == alert.incident else it for it in decision.tracked
                ),
                actions=tuple(
                    replace(it, incident=incident)
                    if isinstance(it, SendAlert | UpdateAlert) and it.incident == alert.incident
                    else it
                    for it in decision.actions
                    if it != alert
                ),
            )
        decisions[alerts[0][0]] = _with(decisions[alerts[0][0]], [head])


def _without_heads(decision: Decision) -> Decision:
    """The first message of a campaign says how all of its servers stood; one of them does not write it anew."""
    kept = tuple(
        each for each in decision.actions if not (isinstance(each, UpdateAlert) and each.incident.startswith(INCIDENT))
    )
    return decision if len(kept) == len(decision.actions) else replace(decision, actions=kept)


def _whole_updates(decisions: list[Decision], recent: Iterable[Review]) -> list[Decision]:
    """Where the pin of one of its versions changed, a campaign's ticket goes on to show all of them."""
    names = {each.lives_in: each.campaign for decision in decisions for each in decision.reviews if each.campaign}

    def whole(action: Action) -> Action:
        if isinstance(action, UpdateTicket) and action.fingerprint in names:
            members = _members(decisions, recent, action.fingerprint)
            return _update(names[action.fingerprint], action.fingerprint, members) if members else action
        return action

    return [replace(each, actions=tuple(whole(it) for it in each.actions)) for each in decisions]


def _closed(decisions: Sequence[Decision], recent: Iterable[Review]) -> list[Decision]:
    """Where the last version of a campaign ended, nobody is asked anything by its ticket any more."""
    ended = [each for decision in decisions for each in decision.reviews if each.state not in OPEN]
    known = {each.fingerprint: each for each in recent}
    known |= {each.fingerprint: each for decision in decisions for each in decision.reviews}
    made = list(decisions)
    for move in emptied(ended, known.values()):
        at = next(at for at, each in enumerate(made) if any(it.mark == move.fingerprint for it in each.reviews))
        made[at] = _with(made[at], [move])
    return made
