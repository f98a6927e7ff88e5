"""Burst days: when many servers of one scope or publisher ask at the same time, it is one matter, with one ticket and one message.

Each version is still decided by its own rules; the ticket shows the pins of all, so that a decision in it is about each of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert, UpdateAlert, UpdateTicket
from monitor.domain.decision import NEVER
from monitor.domain.document import Document, Heading, Paragraph, Table
from monitor.domain.fingerprint import fingerprint
from monitor.domain.review import OPEN, Review
from monitor.domain.server import Server
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
        running = max((each for each in before if each.campaign), key=lambda each: each.opened_at, default=None)
        if running is None and len({each.server for each in before} | {each.review.server for each in group}) < (
            policy.campaigns.at
        ):
            continue
        first = min(each.opened_at for each in (*before, *(each.review for each in group)))
        mark = running.lives_in if running else fingerprint("campaign", name, first.isoformat())
        _move_in(made, group, name, mark)
        members = _members(made, recent, mark)
        if running:
            made[group[0].at] = _with(made[group[0].at], [_update(name, mark, members), _joined(mark, group, members)])
        else:
            made[group[0].at] = _with(made[group[0].at], [_ticket(name, mark, members, group)], first=True)
        _one_message(made, {each.at for each in group}, name, mark, now)
    return _whole_updates(made, recent)


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
        title=_title(name, members),
        body=_body(name, members),
        priority=priority,
        shows=_pins(members),
    )


def _update(name: str, mark: str, members: Sequence[Review]) -> UpdateTicket:
    pins = _pins(members)
    return UpdateTicket(
        key=f"update:{mark}:{fingerprint(*pins)}",
        server=members[0].server,
        fingerprint=mark,
        title=_title(name, members),
        body=_body(name, members),
        priority="medium",
        shows=pins,
    )


def _joined(mark: str, group: Sequence[_Begun], members: Sequence[Review]) -> CommentTicket:
    new = ", ".join(f"{each.review.server} {_version(each.review)}" for each in group)
    text = f"More of the same campaign: {new}. This ticket asks about {len(members)} versions from now on."
    key = f"joined:{mark}:{fingerprint(*(each.review.fingerprint for each in group))}"
    return CommentTicket(key, group[0].review.server, mark, (Paragraph(text),))


def _title(name: str, members: Sequence[Review]) -> str:
    return f"Campaign: re-approve {len(members)} servers of {name}"


def _body(name: str, members: Sequence[Review]) -> Document:
    rows = tuple(
        (
            each.server,
            (each.before.purl.version or "none") if each.before else "none",
            _version(each),
            each.candidate.fingerprint,
            _from(each),
            str(each.approvers_needed),
        )
        for each in members
    )
    return (
        Heading("Decision"),
        Paragraph(
            f"{len(members)} servers of {name} ask for a decision at the same time. A decision in this ticket counts for each version "
            "that is listed here, by that server's own rules. The evidence for each is a comment below."
        ),
        Table(("Server", "Approved", "Under review", "Pin", "Can be approved from", "Approvers"), rows),
        Paragraph("To decide about one of them alone: mcp-monitor review approve SERVER --pin PIN --reason …"),
    )


def _pins(members: Iterable[Review]) -> tuple[str, ...]:
    return tuple(sorted(each.candidate.fingerprint for each in members))


def _from(review: Review) -> str:
    until = review.approvable_from
    if until is None:
        return "now"
    return "not seen in its registry" if until >= NEVER else f"{until:%Y-%m-%d %H:%M} UTC"


def _version(review: Review) -> str:
    return review.candidate.purl.version or str(review.candidate.purl)


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
