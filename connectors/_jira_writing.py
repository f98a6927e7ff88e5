"""Changes of a ticket that is there: comments, what it shows, and where it stands. Each may be repeated.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-put and -transitions-post
"""

from collections.abc import Mapping, Sequence

import msgspec

from connectors._jira_history import TEXT, History, history
from connectors._jira_site import SOON, Site, undelivered
from connectors._jira_ticket import MOST_SHOWN, PROPERTY, Property, Status, Ticket, entity_property, mark, remark
from monitor.domain.action import Deferred, Delivered, Delivery, MoveTicket, Place, Rejected, UpdateTicket
from monitor.domain.document import Document, Paragraph
from monitor.domain.text import one_line
from monitor.ports.errors import SourceError

SUMMARY = 255
"""Characters; more, or a line break, is refused."""
GONE = Rejected("jira: the ticket is not there, or hidden from this account")


class Transition(msgspec.Struct, frozen=True):
    """A way out of a status."""

    id: str
    to: Status = Status()


class Transitions(msgspec.Struct, frozen=True):
    """The ways that are open to us."""

    transitions: list[Transition] = []


async def comment(site: Site, ticket: str, key: str, body: Document) -> Delivery:
    """Add a comment in one attempt. On a service desk it is internal: platform comments would be shown to customers."""
    text = site.text(body, Paragraph(mark(key)))
    internal = entity_property("sd.public.comment", {"internal": True})
    return await site.send("POST", site.issue(ticket, "/comment"), {"body": text, "properties": [internal]})


async def update(site: Site, ticket: str, update: UpdateTicket) -> Delivery:
    """Let the ticket show something else.

    What nobody else wrote is written anew together with the property, in one request. Where the description is somebody's, the evidence
    goes into a comment first; the property then tells from which change on people could have seen it.
    """
    try:
        found = await site.find(site.issue(ticket, f"?fields=status&properties={PROPERTY}"), Ticket)
        if found is None:
            return GONE
        if found.ours and found.ours.update == update.key:
            return Delivered(update.key)
        past = await history(site, ticket)
        ours = [text for text in TEXT if past.is_ours(text)]
        shown = Property(update.fingerprint, update.server, list(update.shows[:MOST_SHOWN]), update.key)
        if "description" not in ours:
            return await _say(site, ticket, update, shown, past)
    except SourceError as error:
        return undelivered(error)
    written = {"summary": one_line(update.title, SUMMARY), "description": site.text(update.body)}
    return await _write(site, ticket, {name: written[name] for name in ours}, shown)


async def _say(site: Site, ticket: str, update: UpdateTicket, shown: Property, past: History) -> Delivery:
    """Raises the four errors."""
    if await remark(site, ticket, update.key) is None:
        said = await comment(site, ticket, update.key, update.body)
        if not isinstance(said, Delivered):
            return said
    told = await remark(site, ticket, update.key)
    if told is None:
        return Deferred("jira: the comment with the news does not show yet", SOON)
    # Read again: whatever was decided until here was decided before the comment could be seen for sure.
    past = await history(site, ticket)
    shown = msgspec.structs.replace(shown, after=past.last, since=told.created)
    fields = {"summary": one_line(update.title, SUMMARY)} if past.is_ours("summary") else {}
    return await _write(site, ticket, fields, shown)


async def _write(site: Site, ticket: str, fields: Mapping[str, object], shown: Property) -> Delivery:
    if not fields:
        place = site.issue(ticket, f"/properties/{PROPERTY}")
        return await site.send("PUT", place, shown.value, ref=shown.update)
    body = {"fields": fields, "properties": [entity_property(PROPERTY, shown.value)]}
    return await site.send("PUT", site.issue(ticket), body, ref=shown.update)


async def move(site: Site, ticket: str, move: MoveTicket, statuses: Mapping[str, Sequence[str]]) -> Delivery:
    """Take the way that leads to the status that the configuration names. Delivered with an empty ref where none does."""
    try:
        found = await site.find(site.issue(ticket, "?fields=status"), Ticket)
        if found is None:
            return GONE
        status = found.fields.status
        # A status that decides may be one in which work goes on, by its category: the next approver has to be able to come to it again.
        over = status.status_category.key == "done" or status.is_among(_deciding(statuses))
        if over == (move.to != "reopened"):
            return Delivered(ticket)
        ways = (await site.get(site.issue(ticket, "/transitions"), Transitions)).transitions
    except SourceError as error:
        return undelivered(error)
    way = _way(ways, move.to, statuses)
    if way is None:
        return Delivered("")
    return await site.send("POST", site.issue(ticket, "/transitions"), {"transition": {"id": way.id}}, ref=ticket)


def _deciding(statuses: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return (*statuses.get("approved", ()), *statuses.get("rejected", ()))


def _way(ways: Sequence[Transition], to: Place, statuses: Mapping[str, Sequence[str]]) -> Transition | None:
    """Never one into a status that decides: that would be a decision of nobody's."""
    decides = _deciding(statuses)
    open_ways = [way for way in ways if not way.to.is_among(decides)]
    named = statuses.get(to) or (statuses.get("withdrawn") if to == "decided" else None) or ()
    if named:
        return next((way for way in open_ways if way.to.is_among(named)), None)
    if to != "reopened" and not decides:
        return None  # any that is done may be the one by which people approve
    category = "new" if to == "reopened" else "done"
    return next((way for way in open_ways if way.to.status_category.key == category), None)
