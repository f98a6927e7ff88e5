"""What owners answer to the quarterly question, in its ticket or by command, and what nobody answered in time.

An answer in the ticket counts for every server in it that was not answered for by command; what nobody answers has to be reviewed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from monitor.app import App
from monitor.domain.action import Action, CommentTicket, RetireServer
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Paragraph
from monitor.domain.people import Person
from monitor.domain.recertification import Answer, Answered, Recertification, Standing
from monitor.domain.review import Word
from monitor.domain.server import Entry
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.decide import Terms
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.jobs.quarterly import NOBODY, ask_again
from monitor.policy.settings import Policy
from monitor.ports.channels import Phase, TicketState
from monitor.ports.store import UnitOfWork

BATCH = 100
"""Tickets in one request."""
MANY_GONE = 3
"""So many tickets that are gone at once, when they are most of those that were read, are no deletions."""


async def hear_owners(app: App) -> Outcome:
    """What owners answered to the quarterly question, and what nobody answered in time."""
    waiting = await app.store.run(_waiting)
    unknowns: list[Unknown] = []
    problems: list[str] = []
    for at in range(0, len(waiting), BATCH):
        batch = {each.mark: each.ticket for each in waiting[at : at + BATCH]}
        states = await guarded(app.tickets.name, app.tickets.read(batch))
        if isinstance(states, Unknown):
            unknowns.append(states)
            continue
        gone = [mark for mark, state in states.items() if state.phase is Phase.GONE]
        if len(gone) >= MANY_GONE and len(gone) * 2 > len(states):
            problems.append(
                f"{len(gone)} of {len(states)} quarterly tickets are gone from {app.tickets.name}: none is opened anew"
            )
            gone = []
        for mark, state in states.items():
            if state.phase is not Phase.GONE:
                await app.store.run(partial(_hear, app=app, mark=mark, state=state))
        for mark in gone:
            await app.store.run(partial(_lost, app=app, mark=mark))
    await app.store.run(partial(_expire, app=app))
    return Outcome(unknowns=tuple(unknowns), problems=tuple(problems))


def _waiting(unit: UnitOfWork) -> list[Recertification]:
    """Return the questions that are not answered and have a ticket, with its key; late answers count, too."""
    questions = [each for standing in (Standing.OPEN, Standing.EXPIRED) for each in unit.recertifications(standing)]
    began = unit.began([each.mark for each in questions])
    return [replace(each, ticket=began[each.mark]) for each in questions if began.get(each.mark)]


def may_retire(policy: Policy, question: Recertification, person: Person) -> str:
    """Return why somebody may not retire an owner's servers; empty: they may."""
    approvers, own = policy.people.approvers, policy.quarterly.speaks_for.get(question.owner, frozenset())
    if person.name in approvers | own:
        return ""
    names = ", ".join(sorted(approvers | own)) or "nobody yet"
    return f"{person.name} may not retire servers of {question.owner}: who approves may, and whom slack.mentions names for it ({names})"


def changed_since(question: Recertification, entries: Mapping[str, Entry]) -> frozenset[str]:
    """Return the servers of a question about which it says nothing any more: gone, another owner's, or approved after it was asked."""

    def stands(entry: Entry | None) -> bool:
        if entry is None or (entry.server.owner or NOBODY) != question.owner:
            return False
        at = entry.approval.approved_at if entry.approval else None
        return at is None or at <= question.asked_at

    return frozenset(name for name in question.servers if not stands(entries.get(name)))


def _lost(unit: UnitOfWork, *, app: App, mark: str) -> None:
    """Ask again, where the ticket that asked is gone and time is left."""
    unit.alone()
    now = app.clock()
    question = next((each for each in unit.recertifications(Standing.OPEN) if each.mark == mark), None)
    if question is None or question.due_at <= now:
        return
    again = replace(question, lost=question.lost + 1)
    unit.keep_recertifications([again])
    unit.queue([ask_again(unit, app, again, now)], now)
    unit.commit(AuditEvent(now, ACTOR, "ticket.lost", question.owner, {"quarter": question.quarter, "mark": mark}))


def _hear(unit: UnitOfWork, app: App, mark: str, state: TicketState) -> None:
    unit.alone()
    now = app.clock()
    question = next((each for each in unit.recertifications() if each.mark == mark), None)
    if question is None or question.standing is Standing.ANSWERED:
        return
    said = next((each for each in state.said if each.ref not in question.answered_refs), None)
    if said is None:
        return
    question = replace(question, ticket=state.key, answered_refs=(*question.answered_refs, said.ref))
    person = app.policy.people.known("jira", said.by)
    answer = Answer.KEEP if said.word is Word.APPROVE else Answer.RETIRE
    changed = changed_since(question, unit.entries()) if answer is Answer.RETIRE else frozenset[str]()
    servers = [name for name in question.unanswered if name not in changed]
    if person is None:
        refused = "its author is nobody in [people]. Ask somebody who is, or whoever keeps the configuration"
    elif answer is Answer.RETIRE:
        refused = may_retire(app.policy, question, person) or ("" if servers else _CHANGED)
    else:
        refused = ""
    if person is None or refused:
        unit.keep_recertifications([question])
        unit.queue([_comment(question, said.ref, f"This answer was not counted: {refused}.")], now)
        detail = {"quarter": question.quarter, "why": refused[:500]}
        unit.commit(AuditEvent(now, said.by, "recertification.not-counted", question.owner, detail))
        return
    left = sorted(changed.intersection(question.unanswered))
    note = f" Not {', '.join(left)}: {_CHANGED}." if left else ""
    via = said.detail or app.tickets.name
    record_answer(unit, Terms.of(app), question, servers, answer, person=person, via=via, note=note)


_CHANGED = "what was approved after it was asked, or has another owner by now, is retired by mcp-monitor retire"


def record_answer(
    unit: UnitOfWork,
    terms: Terms,
    question: Recertification,
    servers: Iterable[str],
    answer: Answer,
    *,
    person: Person,
    via: str,
    note: str = "",
) -> Recertification:
    """Keep somebody's word about some servers of a question, and commit; what is retired is written into the registry.

    Whoever calls has asked `may_retire` and left out what `changed_since`. `note` follows in the comment.
    """
    now = terms.now
    said = tuple(Answered(name, answer, person.name, now, via) for name in servers)
    names = {each.server for each in said}
    kept = replace(question, answers=(*(each for each in question.answers if each.server not in names), *said))
    if not kept.unanswered:
        kept = replace(kept, standing=Standing.ANSWERED)
    actions: list[Action] = []
    if answer is Answer.RETIRE:
        reason = f"quarterly review {question.quarter}"
        actions += [
            RetireServer(f"retire:{question.fingerprint}:{name}:{writer}", name, person.name, reason, writer)
            for name in sorted(names)
            for writer in terms.writers
        ]
    by_hand = (
        ""
        if terms.writers or answer is Answer.KEEP
        else " Take them out of the registry by hand: nothing is configured that writes it."
    )
    text = f"{person.name} {_WORDS[answer]} {', '.join(sorted(names))}.{note}{by_hand}"
    actions.append(_comment(kept, f"{person.name}:{answer.value}:{','.join(sorted(names))}", text))
    unit.keep_recertifications([kept])
    unit.queue(actions, now)
    detail = {"quarter": question.quarter, "via": via}
    unit.commit(
        *(AuditEvent(now, person.name, f"recertification.{_VERBS[answer]}", each.server, detail) for each in said)
    )
    return kept


_WORDS = {Answer.KEEP: "keeps", Answer.RETIRE: "retires"}
_VERBS = {Answer.KEEP: "kept", Answer.RETIRE: "retired"}


def _comment(question: Recertification, ref: str, text: str) -> CommentTicket:
    mark = question.mark
    return CommentTicket(f"recertified:{mark}:{ref}", f"servers of {question.owner}", mark, (Paragraph(text),))


def _expire(unit: UnitOfWork, app: App) -> None:
    unit.alone()
    now = app.clock()
    late = [each for each in unit.recertifications(Standing.OPEN) if each.due_at <= now]
    if not late:
        return
    unit.keep_recertifications([replace(each, standing=Standing.EXPIRED) for each in late])
    unit.queue(
        [
            _comment(
                each, "expired", f"Nobody answered for {', '.join(each.unanswered)}: these have to be reviewed now."
            )
            for each in late
        ],
        now,
    )
    unit.commit(
        *(
            AuditEvent(
                now,
                ACTOR,
                "recertification.expired",
                each.owner,
                {"quarter": each.quarter, "servers": ", ".join(each.unanswered)[:2000]},
            )
            for each in late
        )
    )
