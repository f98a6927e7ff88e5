"""Jira: re-approval tickets, in Jira Cloud (REST v3, ADF) and Jira Data Center (REST v2, wiki markup).

It knows: its tickets, their labels and properties, and which fields a project demands.
It does not know: idempotency keys; and its search lags behind what it has accepted, so that "none found" is not yet "none there".

Label and property with the fingerprint are part of the create request: a ticket without them cannot come to be.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/, https://docs.atlassian.com/software/jira/docs/api/REST/latest/
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import msgspec

from connectors import _jira_writing as writing
from connectors._edge.address import split_credentials
from connectors._edge.http import Http
from connectors._jira_probe import Demands, probe
from connectors._jira_reading import Pasts, Reader
from connectors._jira_site import Flavour, Site
from connectors._jira_ticket import MOST_SHOWN, PROPERTY, Property, Ticket, entity_property, label, remark
from monitor.domain.action import CommentTicket, Delivered, Delivery, MoveTicket, OpenTicket, Rejected, UpdateTicket
from monitor.domain.text import one_line
from monitor.ports.channels import TicketState, TicketTracker

RELATES = {"name": "Relates"}
"""The kind of link that every Jira begins with."""


class Results(msgspec.Struct, frozen=True):
    """A page of search results; Data Center leaves the properties out."""

    issues: list[Ticket]


@dataclass(frozen=True, slots=True)
class Jira:
    """One project of one Jira."""

    site: Site
    base: str
    project: str
    issue_type: str
    labels: tuple[str, ...]
    priorities: Mapping[str, str]
    fields: Mapping[str, object]
    statuses: Mapping[str, Sequence[str]]
    approvals: bool
    pasts: Pasts = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """`jira`."""
        return "jira"

    def address(self, ticket: str) -> str:
        """Return the page of the issue."""
        return f"{self.base.rstrip('/')}/browse/{quote(ticket, safe='-')}"

    async def open(self, ticket: OpenTicket, *, links: tuple[str, ...] = ()) -> Delivery:
        """Create the ticket in one attempt, links and all; where Jira refuses it so, without them. Those come after, if they can."""
        shown = Property(ticket.fingerprint, ticket.server, list(ticket.shows[:MOST_SHOWN]))
        body = {"fields": self._fields(ticket), "properties": [entity_property(PROPERTY, shown.value)]}
        if not links:
            return await self.site.send("POST", "issue", body)
        added = [{"add": {"type": RELATES, "outwardIssue": {"key": key}}} for key in links]
        delivery = await self.site.send("POST", "issue", {**body, "update": {"issuelinks": added}})
        if not isinstance(delivery, Rejected):
            return delivery
        # Refused: surely not created. An older ticket may be gone, or the screen without links.
        delivery = await self.site.send("POST", "issue", body)
        if isinstance(delivery, Delivered):
            for key in links:
                link = {"type": RELATES, "inwardIssue": {"key": delivery.ref}, "outwardIssue": {"key": key}}
                await self.site.send("POST", "issueLink", link, ref=key)
        return delivery

    async def find(self, fingerprint: str) -> str | None:
        """Search by label; a label can be copied to another issue, the property is what counts where the search shows it."""
        jql = f"project = {_quoted(self.project)} AND labels = {_quoted(label(fingerprint))} ORDER BY created ASC"
        if self.site.cloud:
            query = {"jql": jql, "fields": ["created"], "properties": [PROPERTY], "maxResults": 50}
            issues = (await self.site.query("search/jql", query, Results)).issues
        else:
            path = "search?" + urlencode({"jql": jql, "fields": "created", "maxResults": 50})
            issues = (await self.site.get(path, Results)).issues
        return next((issue.key for issue in issues if _carries(issue, fingerprint, cloud=self.site.cloud)), None)

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Add a comment that ends with the mark of its key."""
        return await writing.comment(self.site, ticket, comment.key, comment.body)

    async def find_comment(self, ticket: str, key: str) -> str | None:
        """Look for the mark of that key."""
        found = await remark(self.site, ticket, key)
        return found.id if found else None

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:
        """Write anew what no person has written."""
        return await writing.update(self.site, ticket, update)

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:
        """Take the way to the status that the configuration names."""
        return await writing.move(self.site, ticket, move, self.statuses)

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:
        """Read all by their keys, and the history of those that are decided, or have changed."""
        return await Reader(self.site, self.statuses, self.approvals, self.pasts).read(tickets)

    async def probe(self) -> str:
        """Ask who we are, and what the project wants to know of a new ticket, without opening one."""
        wanted = Demands(
            self.project, self.issue_type, self.fields, self.priorities, self.statuses, approvals=self.approvals
        )
        return await probe(self.site, wanted)

    def _fields(self, ticket: OpenTicket) -> Mapping[str, object]:
        """Ours win over the configured ones: a ticket without its label would never be found again."""
        priority = self.priorities.get(ticket.priority)
        return {
            **self.fields,
            **({"priority": _named(priority)} if priority else {}),
            "project": {"key": self.project},
            "issuetype": _named(self.issue_type),
            "summary": one_line(ticket.title, writing.SUMMARY),
            "labels": [*self.labels, label(ticket.fingerprint)],
            "description": self.site.text(ticket.body),
        }


def build(
    edge: Http,
    *,
    base: str,
    flavour: Flavour,
    project: str,
    issue_type: str,
    token: str,
    email: str = "",
    labels: Sequence[str] = (),
    priorities: Mapping[str, str] | None = None,
    fields: Mapping[str, object] | None = None,
    statuses: Mapping[str, Sequence[str]] | None = None,
    approvals: bool = False,
) -> TicketTracker:
    """Build from the configuration. With an `email` the token is Cloud's API token (Basic), without one a bearer token.

    `priorities` maps our severities to names or ids of Jira's; `fields` are further fields of a new ticket, as Jira's API wants them.
    `statuses`: names or ids by `approved`, `rejected`, `withdrawn`, `decided`, `reopened`; `approvals`: whether tickets are requests of
    a service desk, whose approvals decide, too. Raises ValueError for a base that is no address.
    """
    basic = base64.b64encode(f"{email}:{token}".encode()).decode()
    authorization = f"Basic {basic}" if email else f"Bearer {token}"
    # Without the second header Jira takes a client with a browser's name for a browser, and refuses it (XSRF check).
    headers = {"authorization": authorization, "x-atlassian-token": "no-check"}
    client = edge.client("jira", base=base, headers=headers)
    return Jira(
        Site(client, flavour, edge.clock, edge.close),
        split_credentials(base)[0],
        project,
        issue_type,
        tuple(labels),
        dict(priorities or {}),
        dict(fields or {}),
        dict(statuses or {}),
        approvals,
    )


def _named(value: str) -> Mapping[str, str]:
    """What Jira knows by an id or by a name; ids are digits, and survive renaming and translation."""
    return {"id": value} if value.isdigit() else {"name": value}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _carries(issue: Ticket, fingerprint: str, *, cloud: bool) -> bool:
    """Whether it is ours. Data Center's search shows no properties; in Cloud one without ours is somebody's copy."""
    if PROPERTY not in issue.properties:
        return not cloud
    return issue.ours is not None and issue.ours.fp == fingerprint
