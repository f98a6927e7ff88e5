"""How tickets stand, and who decided: read by the keys that are known, never by the search, which lags.

Cloud shows a hundred at a time and the history apart; Data Center one at a time, with its history.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import msgspec

from connectors._jira_history import History, history, in_order
from connectors._jira_said import Approval, Approvals, brought_by_a_person, steps_of, votes_of
from connectors._jira_site import Site, read
from connectors._jira_ticket import PROPERTY, Property, Status, Ticket
from monitor.domain.review import Word
from monitor.domain.text import one_line
from monitor.ports.channels import Phase, TicketState
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError

BULK = 100
FIELDS = ("status", "reporter", "created", "updated")
PHASES = {Word.APPROVE: Phase.APPROVED, Word.REJECT: Phase.REJECTED}
APPROVALS = 100
"""In one answer: what was asked more often than that is not read further."""
PASTS = 1000
"""Histories that are kept at a time."""
OF_ONE = (Malformed, Denied, NotFound)
"""What costs nothing but the ticket about which it was answered."""

Pasts = dict[str, tuple[str, History]]
"""Of tickets that nothing was decided about when they were read: when each had changed last, and its history, by the issue's id."""


class Found(msgspec.Struct, frozen=True):
    """An answer to many keys at once; those that are not there are left out."""

    issues: list[Ticket]


@dataclass(frozen=True, slots=True)
class Reader:
    """How to tell what a ticket says. `statuses` are those that decide, by `approved` and `rejected`."""

    site: Site
    statuses: Mapping[str, Sequence[str]]
    approvals: bool
    pasts: Pasts

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:
        """Return the state of each, by its mark. Raises the four errors, but for what was answered about one ticket alone."""
        found = await self._found(tickets)
        states = await asyncio.gather(*(self._state(mark, tickets[mark], found[mark]) for mark in tickets))
        if any(state.phase is Phase.GONE or state.unread for state in states):
            # A token that is not valid any more sees nothing, which is not the same as nothing being there.
            await self.site.whoami()
        return dict(zip(tickets, states, strict=True))

    async def _found(self, tickets: Mapping[str, str]) -> dict[str, Ticket | SourceError | None]:
        """Tickets by their marks; None: not there."""
        bulk = await self._bulk(tickets.values()) if self.site.cloud else []
        by_key = {each.key: each for each in bulk}
        by_mark = {each.ours.fp: each for each in bulk if each.ours}
        near = {mark: by_key.get(key) or by_mark.get(mark) for mark, key in tickets.items()}
        # One that was moved has another key, to which the old one leads when it is asked for alone.
        alone = [mark for mark, ticket in near.items() if ticket is None]
        asked = await asyncio.gather(*(self._one(tickets[mark]) for mark in alone))
        return {**near, **dict(zip(alone, asked, strict=True))}

    async def _bulk(self, keys: Iterable[str]) -> list[Ticket]:
        asked, issues = sorted(set(keys)), list[Ticket]()
        for start in range(0, len(asked), BULK):
            body = {"issueIdsOrKeys": asked[start : start + BULK], "fields": FIELDS, "properties": [PROPERTY]}
            issues += (await self.site.query("issue/bulkfetch", body, Found)).issues
        return issues

    async def _one(self, key: str) -> Ticket | SourceError | None:
        history = "" if self.site.cloud else "&expand=changelog"
        place = self.site.issue(key, f"?fields={','.join(FIELDS)}&properties={PROPERTY}{history}")
        try:
            return await self.site.find(place, Ticket)
        except OF_ONE as error:
            return error

    async def _state(self, mark: str, key: str, ticket: Ticket | SourceError | None) -> TicketState:
        if ticket is None:
            return TicketState(key, Phase.GONE)
        if isinstance(ticket, SourceError):
            reason = one_line(ticket.detail, 200)
            return TicketState(key, Phase.TAKEN, reason, unread=reason)
        ours = ticket.ours if ticket.ours and ticket.ours.fp == mark else Property(mark)
        reporter = ticket.fields.reporter.id if ticket.fields.reporter else ""
        status = one_line(ticket.fields.status.name, 100)
        state = TicketState(
            ticket.key, self._phase(ticket.fields.status), status, reporter=reporter, shows=tuple(ours.shows)
        )
        try:
            return await self._said(state, ticket, ours)
        except OF_ONE as error:  # costs nothing but itself: nothing that cannot be read is a decision
            reason = one_line(error.detail, 200)
            return replace(state, status=f"{status} ({reason})", unread=reason)

    def _phase(self, status: Status) -> Phase:
        word = self._meaning(status)
        if word:
            return PHASES[word]
        return {"new": Phase.NEW, "done": Phase.CLOSED}.get(status.status_category.key, Phase.TAKEN)

    def _meaning(self, status: Status) -> Word | None:
        named = (word for word in (Word.REJECT, Word.APPROVE) if status.is_among(self._names(word)))
        return next(named, None)

    def _names(self, word: Word) -> Sequence[str]:
        return self.statuses.get(PHASES[word].value, ())

    async def _said(self, state: TicketState, ticket: Ticket, ours: Property) -> TicketState:
        """Raises the four errors."""
        approvals = await self._approvals(ticket) if self.approvals else []
        voted = any(each.answers for each in approvals)
        decides = state.phase in PHASES.values()
        if not voted and not decides and (ticket.untouched or not any(map(self._names, PHASES))):
            return state
        past = await self._history(ticket, fresh=decides or voted)
        votes = [vote for each in approvals for vote in votes_of(ticket, each, past, ours)]
        steps = steps_of(ticket, past, ours, self._meaning)
        said = tuple(sorted([*votes, *steps], key=lambda said: said.at))
        return replace(state, said=said, nobodys=decides and not votes and not brought_by_a_person(ticket, past))

    async def _history(self, ticket: Ticket, *, fresh: bool) -> History:
        """Fetch the history, unless it was read and the ticket has not changed since."""
        if ticket.changelog is not None:
            return in_order(ticket.changelog.histories, await self.site.us())
        updated, past = self.pasts.get(ticket.id, ("", None))
        if past and not fresh and updated == ticket.fields.updated:
            return past
        past = await history(self.site, ticket.key)
        steps = past.steps()
        # One that lags behind the ticket is no history to keep.
        if ticket.fields.updated and (not steps or steps[-1].to == ticket.fields.status.id):
            if len(self.pasts) >= PASTS:
                self.pasts.clear()
            self.pasts[ticket.id] = (ticket.fields.updated, past)
        return past

    async def _approvals(self, ticket: Ticket) -> list[Approval]:
        place = f"rest/servicedeskapi/request/{quote(ticket.key, safe='')}/approval?start=0&limit={APPROVALS}"
        try:
            return read(await self.site.answer(place), Approvals).values
        except NotFound:  # no request of a service desk
            return []
