"""What was said in a ticket: steps into statuses that decide, and the answers of a service desk's approvers.

Approvals: https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/#api-rest-servicedeskapi-request-issueidorkey-approval-get
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import msgspec

from connectors._jira_history import TEXT, History, Step, at
from connectors._jira_site import Person
from connectors._jira_ticket import Property, Status, Ticket
from monitor.domain.review import Word
from monitor.ports.channels import Said

WORDS = {"approved": Word.APPROVE, "declined": Word.REJECT}
AGAIN = "an approver answers an approval once: let the service desk ask anew, by a new approval step"

Meaning = Callable[[Status], Word | None]
"""What the configuration takes a status for; None: it decides nothing."""


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

    @property
    def answers(self) -> list[Approver]:
        """What was answered so far."""
        return [each for each in self.approvers if each.approver_decision in WORDS]


class Approvals(msgspec.Struct, frozen=True):
    """The approvals of a request, oldest first."""

    values: list[Approval] = []


def votes_of(ticket: Ticket, approval: Approval, past: History, ours: Property) -> list[Said]:
    """Return what each approver said. Raises `Malformed`.

    When one said it is told only of one who was asked alone, so the others are taken to have said it when they were asked: nothing counts
    that was asked before the ticket began to show what it shows, or before it could be approved.
    """
    answers = approval.answers
    if not answers or approval.created_date is None:  # never without the date: it tells nothing of what was shown
        return []
    asked = at(approval.created_date.iso8601)
    since = [at(ours.since)] if ours.since else []
    since += [at(each.created) for each in past.written_by_us()]
    shown = () if since and asked <= max(since) else tuple(ours.shows)
    completed = approval.completed_date if len(answers) == 1 else None
    return [
        Said(
            f"approval-{ticket.id}-{approval.id}-{each.approver.id}",
            WORDS[each.approver_decision],
            each.approver.id,
            at(completed.iso8601) if completed else asked,
            shown,
            f"jira {ticket.key}",
            _note(past, len(past.entries)),
            AGAIN,
        )
        for each in answers
    ]


def steps_of(ticket: Ticket, past: History, ours: Property, meaning: Meaning) -> list[Said]:
    """Return every step into a status that decides, if somebody else than we took it: what is read in one go was said one by one."""
    steps = past.steps()
    shown_from = past.shown_from(ours.after)
    said = []
    for step, following in zip_longest(steps, steps[1:]):
        word = meaning(_status(ticket, step))
        if word is None or step.entry.by == past.us:
            continue
        if word is Word.APPROVE and following and _takes_back(step, meaning(_status(ticket, following)), following):
            continue
        shown = tuple(ours.shows) if step.place >= shown_from else ()
        note = _note(past, step.place)
        entry = step.entry
        said.append(Said(entry.id, word, entry.by, at(entry.created), shown, f"jira {ticket.key}", note))
    return said


def brought_by_a_person(ticket: Ticket, past: History) -> bool:
    """Whether it was brought to its present status, and not by us."""
    steps: Sequence[Step] = past.steps()
    return bool(steps) and steps[-1].to == ticket.fields.status.id and steps[-1].entry.by != past.us


def _takes_back(step: Step, word: Word | None, following: Step) -> bool:
    """Whether who approved brought the ticket elsewhere with the next step. A rejection stays: it is for people to ask anew."""
    return following.entry.by == step.entry.by and word is not Word.APPROVE


def _status(ticket: Ticket, step: Step) -> Status:
    """Names in the history may be in another language: that of the present status is known by its id."""
    now = ticket.fields.status
    return now if step.to == now.id else Status(step.to, step.name)


def _note(past: History, place: int) -> str:
    """Tell of a text that others had written."""
    theirs = " and ".join(text for text in TEXT if past.written_by_another(text, place))
    return f"When it was said, people had rewritten the ticket's {theirs}." if theirs else ""
