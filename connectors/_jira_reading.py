"""How tickets stand, and who decided: read by the keys that are known, never by the search, which lags.

Cloud shows a hundred at a time and the history apart; Data Center one at a time, with its history.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post,
approvals: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/#api-rest-servicedeskapi-request-issueidorkey-approval-get
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from connectors._jira_history import History, at, history, in_order
from connectors._jira_site import Person, Site, read
from connectors._jira_ticket import PROPERTY, Property, Ticket
from monitor.domain.review import Word
from monitor.domain.text import one_line
from monitor.ports.channels import Phase, Said, TicketState
from monitor.ports.errors import Malformed, NotFound

BULK = 100
FIELDS = ("status", "reporter")
WORDS = {"approved": Word.APPROVE, "declined": Word.REJECT}
APPROVALS = 100
"""In one answer: what was asked more often than that is not read further."""


class Found(msgspec.Struct, frozen=True):
    """An answer to many keys at once; those that are not there are left out."""

    issues: list[Ticket]


class Moment(msgspec.Struct, frozen=True):
    """A time, as a service desk writes it."""

    iso8601: str = ""


class Approver(msgspec.Struct, frozen=True, rename="camel"):
    """One of those who are asked: pending, approved or declined."""

    approver: Person = Person()
    approver_decision: str = ""


class Approval(msgspec.Struct, frozen=True, rename="camel"):
    """A question to approvers."""

    id: str
    approvers: list[Approver] = []
    created_date: Moment | None = None
    completed_date: Moment | None = None


class Approvals(msgspec.Struct, frozen=True):
    """The approvals of a request, oldest first."""

    values: list[Approval] = []


@dataclass(frozen=True, slots=True)
class Reader:
    """How to tell what a ticket says. `statuses` are those that decide, by `approved` and `rejected`."""

    site: Site
    statuses: Mapping[str, Sequence[str]]
    approvals: bool

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:
        """Return the state of each, by its mark. Raises the four errors."""
        found = await self._found(tickets)
        if not all(found.values()):
            # A token that is not valid any more sees nothing, which is not the same as nothing being there.
            await self.site.whoami()
        states = await asyncio.gather(*(self._state(mark, tickets[mark], found[mark]) for mark in tickets))
        return dict(zip(tickets, states, strict=True))

    async def _found(self, tickets: Mapping[str, str]) -> dict[str, Ticket | None]:
        """Tickets by their marks; None: not there."""
        bulk = await self._bulk(tickets.values()) if self.site.cloud else []
        by_key = {each.key: each for each in bulk}
        by_mark = {each.ours.fp: each for each in bulk if each.ours}
        near = {mark: by_key.get(key) or by_mark.get(mark) for mark, key in tickets.items()}
        # One that was moved has another key, to which the old one leads when it is asked for alone.
        alone = [mark for mark, ticket in near.items() if ticket is None]
        asked = await asyncio.gather(*(self._one(tickets[mark]) for mark in alone))
        return near | dict(zip(alone, asked, strict=True))

    async def _bulk(self, keys: Iterable[str]) -> list[Ticket]:
        asked, issues = sorted(set(keys)), list[Ticket]()
        for start in range(0, len(asked), BULK):
            body = {"issueIdsOrKeys": asked[start : start + BULK], "fields": FIELDS, "properties": [PROPERTY]}
            issues += (await self.site.query("issue/bulkfetch", body, Found)).issues
        return issues

    async def _one(self, key: str) -> Ticket | None:
        history = "" if self.site.cloud else "&expand=changelog"
        place = self.site.issue(key, f"?fields={','.join(FIELDS)}&properties={PROPERTY}{history}")
        return await self.site.find(place, Ticket)

    async def _state(self, mark: str, key: str, ticket: Ticket | None) -> TicketState:
        if ticket is None:
            return TicketState(key, Phase.GONE)
        ours = ticket.ours if ticket.ours and ticket.ours.fp == mark else Property(mark)
        phase, status = self._phase(ticket), one_line(ticket.fields.status.name, 100)
        try:
            said = await self._said(ticket, phase, ours)
        except Malformed as error:  # costs nothing but itself: nothing that cannot be read is a decision
            said, status = (), f"{status} ({one_line(error.detail, 200)})"
        reporter = ticket.fields.reporter.id if ticket.fields.reporter else ""
        return TicketState(ticket.key, phase, status, said, reporter, tuple(ours.shows))

    def _phase(self, ticket: Ticket) -> Phase:
        status = ticket.fields.status
        for phase in (Phase.REJECTED, Phase.APPROVED):
            if status.is_among(self.statuses.get(phase.value, ())):
                return phase
        return {"new": Phase.NEW, "done": Phase.CLOSED}.get(status.status_category.key, Phase.TAKEN)

    async def _said(self, ticket: Ticket, phase: Phase, ours: Property) -> tuple[Said, ...]:
        """Raises the four errors."""
        approvals = await self._approvals(ticket) if self.approvals else []
        voted = any(each.approver_decision in WORDS for approval in approvals for each in approval.approvers)
        if phase not in (Phase.APPROVED, Phase.REJECTED) and not voted:
            return ()
        past = await self._history(ticket)
        votes = [vote for each in approvals for vote in self._votes(ticket, each, past, ours)]
        step = _step(ticket, phase, past, ours)
        return tuple(sorted([*votes, *step], key=lambda said: said.at))

    async def _history(self, ticket: Ticket) -> History:
        if ticket.changelog is None:
            return await history(self.site, ticket.key)
        return in_order(ticket.changelog.histories, await self.site.us())

    async def _approvals(self, ticket: Ticket) -> list[Approval]:
        place = f"rest/servicedeskapi/request/{quote(ticket.key, safe='')}/approval?start=0&limit={APPROVALS}"
        try:
            return read(await self.site.answer(place), Approvals).values
        except NotFound:  # no request of a service desk
            return []

    def _votes(self, ticket: Ticket, approval: Approval, past: History, ours: Property) -> list[Said]:
        """What each approver said.

        When one said it is told only of the last. So nothing counts that was asked before the ticket began to show what it shows.
        """
        asked = at(approval.created_date.iso8601) if approval.created_date else None
        since = [at(ours.since)] if ours.since else []
        since += [at(each.created) for each in past.written_by_us()]
        shown = () if since and (asked is None or asked <= max(since)) else tuple(ours.shows)
        when = at(approval.completed_date.iso8601) if approval.completed_date else self.site.clock()
        return [
            Said(
                f"approval-{ticket.id}-{approval.id}-{each.approver.id}",
                WORDS[each.approver_decision],
                each.approver.id,
                when,
                shown,
                f"jira {ticket.key}",
            )
            for each in approval.approvers
            if each.approver_decision in WORDS
        ]


def _step(ticket: Ticket, phase: Phase, past: History, ours: Property) -> list[Said]:
    """The step into the status that it has, if that decides and somebody else than we took it."""
    step = past.last_step()
    if phase not in (Phase.APPROVED, Phase.REJECTED) or step is None:
        return []
    place, entry, led_to = step
    if led_to != ticket.fields.status.id or entry.by == past.us:
        return []
    word = Word.APPROVE if phase is Phase.APPROVED else Word.REJECT
    shown = tuple(ours.shows) if place >= past.shown_from(ours.after) else ()
    return [Said(entry.id, word, entry.by, at(entry.created), shown, f"jira {ticket.key}")]
