"""Once a quarter each owner is asked which of their servers they keep: one ticket, with what is known of each.

An answer in the ticket counts for every server in it that was not answered for by command; unanswered past its time, the approvals end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from monitor.app import App
from monitor.domain.action import Action, CommentTicket, OpenTicket, RetireServer
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Document, Heading, Paragraph, Table
from monitor.domain.finding import Tracked
from monitor.domain.people import Person
from monitor.domain.recertification import Answer, Answered, Recertification, Standing, quarter_of
from monitor.domain.review import Word
from monitor.domain.server import Entry
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.channels import TicketState
from monitor.ports.store import UnitOfWork

NOBODY = "nobody"
"""Whose servers are those without an owner."""
BATCH = 100
"""Tickets in one request."""


async def ask_owners(app: App) -> Outcome:
    """The quarterly question to each owner: which of their servers they keep."""
    await app.store.run(partial(_ask, app=app))
    return Outcome()


async def hear_owners(app: App) -> Outcome:
    """What owners answered to the quarterly question, and what nobody answered in time."""
    waiting = await app.store.run(_waiting)
    unknowns: list[Unknown] = []
    for at in range(0, len(waiting), BATCH):
        batch = {each.fingerprint: each.ticket for each in waiting[at : at + BATCH]}
        states = await guarded(app.tickets.name, app.tickets.read(batch))
        if isinstance(states, Unknown):
            unknowns.append(states)
            continue
        for mark, state in states.items():
            await app.store.run(partial(_hear, app=app, mark=mark, state=state))
    await app.store.run(partial(_expire, app=app))
    return Outcome(unknowns=tuple(unknowns))


# --- asking ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one server, for its owner."""

    entry: Entry
    hosts: int
    last_seen: datetime | None
    findings: tuple[Tracked, ...]


def _ask(unit: UnitOfWork, app: App) -> None:
    unit.alone()
    now = app.clock()
    quarter = quarter_of(now)
    asked = {each.owner for each in unit.recertifications() if each.quarter == quarter}
    by_owner: dict[str, list[Entry]] = {}
    for entry in unit.entries().values():
        if entry.approval:
            by_owner.setdefault(entry.server.owner or NOBODY, []).append(entry)
    new = {owner: entries for owner, entries in by_owner.items() if owner not in asked}
    if not new:
        return
    known = _known(unit, [entry for entries in new.values() for entry in entries])
    questions, actions, events = [], [], []
    for owner, entries in sorted(new.items()):
        names = tuple(sorted(entry.server.name for entry in entries))
        question = Recertification(owner, quarter, names, now, now + app.policy.quarterly.answer_within)
        questions.append(question)
        actions.append(_ticket(app, question, [known[name] for name in names], now))
        detail = {"quarter": quarter, "servers": ", ".join(names)[:2000]}
        events.append(AuditEvent(now, ACTOR, "recertification.asked", owner, detail))
    unit.keep_recertifications(questions)
    unit.queue(actions, now)
    unit.commit(*events)


def _known(unit: UnitOfWork, entries: Sequence[Entry]) -> dict[str, _Known]:
    packages = {entry.server.package for entry in entries if entry.server.package}
    hosts: dict[str, set[str]] = {}
    seen: dict[str, datetime] = {}
    for stay in unit.stays(packages):
        runs = stay.deployment.runs
        if runs is None:
            continue
        package = str(runs.package)
        seen[package] = max(stay.seen_at, seen.get(package, stay.seen_at))
        if stay.gone_at is None:
            hosts.setdefault(package, set()).add(stay.deployment.host)
    findings: dict[str, list[Tracked]] = {}
    for tracked in unit.findings({entry.server.name for entry in entries}):
        findings.setdefault(tracked.finding.server, []).append(tracked)
    return {
        entry.server.name: _Known(
            entry,
            len(hosts.get(str(entry.server.package), ())),
            seen.get(str(entry.server.package)),
            tuple(findings.get(entry.server.name, ())),
        )
        for entry in entries
    }


def _ticket(app: App, question: Recertification, known: Sequence[_Known], now: datetime) -> OpenTicket:
    rows = tuple(_row(app, each, now) for each in known)
    body: Document = (
        Paragraph(
            f"{question.owner}: which of these {len(known)} servers do you keep? An approving status keeps all of them, a rejecting one "
            f"retires all; for single ones: mcp-monitor recertify keep|retire SERVER. What nobody has answered for by "
            f"{question.due_at:%Y-%m-%d} has to be reviewed."
        ),
        Heading("Servers"),
        Table(("Server", "Version", "Used", "Newer version", "Approval", "Since it was approved"), rows),
        Paragraph(
            f"As known at {now:%Y-%m-%d %H:%M} UTC; quarter {question.quarter}, question {question.fingerprint}."
        ),
    )
    mark = question.fingerprint
    title = f"Quarterly review {question.quarter}: {len(known)} MCP servers of {question.owner}"
    return OpenTicket(f"ticket:{mark}", f"servers of {question.owner}", mark, title, body, "medium")


def _row(app: App, known: _Known, now: datetime) -> tuple[str, ...]:
    server, approval = known.entry.server, known.entry.approval
    newer = [each.finding.subject for each in known.findings if each.open and each.finding.rule == "new-release"]
    return (
        server.name + (" (no owner)" if not server.owner else ""),
        approval.pin.purl.version or "a remote server" if approval else "none",
        _used(app, known, now),
        ", ".join(newer[:3]) or "none known",
        f"until {approval.expires_at:%Y-%m-%d}" if approval and approval.expires_at else "without end",
        _risk(known),
    )


def _used(app: App, known: _Known, now: datetime) -> str:
    if not app.inventories:
        return "not known: no inventory is configured"
    if known.entry.server.package is None:
        return "not counted: a remote server"
    if known.hosts:
        return f"on {known.hosts} host{'s' * (known.hosts != 1)}"
    if known.last_seen is None:
        return "never seen deployed"
    unused = now - known.last_seen >= app.policy.quarterly.unseen_after
    return f"{'unused: ' * unused}not since {known.last_seen:%Y-%m-%d}"


def _risk(known: _Known) -> str:
    approval = known.entry.approval
    since = approval.approved_at if approval else None
    counted = [each for each in known.findings if since is None or each.opened_at >= since]
    still = [each for each in counted if each.open]
    if not counted:
        return "nothing found"
    worst = max((each.finding.severity for each in still), key=lambda severity: severity.rank, default=None)
    return f"{len(counted)} findings, {len(still)} of them open" + (f", the worst {worst.value}" if worst else "")


# --- hearing --------------------------------------------------------------------------------------------------------------


def _waiting(unit: UnitOfWork) -> list[Recertification]:
    """Return the questions that are not answered and have a ticket, with its key; late answers count, too."""
    questions = [each for standing in (Standing.OPEN, Standing.EXPIRED) for each in unit.recertifications(standing)]
    began = unit.began([each.fingerprint for each in questions])
    return [replace(each, ticket=began[each.fingerprint]) for each in questions if began.get(each.fingerprint)]


def _hear(unit: UnitOfWork, app: App, mark: str, state: TicketState) -> None:
    unit.alone()
    now = app.clock()
    question = next((each for each in unit.recertifications() if each.fingerprint == mark), None)
    if question is None or question.standing is Standing.ANSWERED:
        return
    for said in state.said:
        if said.ref in question.answered_refs:
            continue
        question = replace(question, ticket=state.key, answered_refs=(*question.answered_refs, said.ref))
        person = app.policy.people.known("jira", said.by)
        if person is None:
            text = "This answer was not counted: its author is nobody in [people]. Ask somebody who is, or whoever keeps the configuration."
            unit.keep_recertifications([question])
            unit.queue([_comment(question, said.ref, text)], now)
            unit.commit(
                AuditEvent(now, said.by, "recertification.not-counted", question.owner, {"quarter": question.quarter})
            )
            return
        answer = Answer.KEEP if said.word is Word.APPROVE else Answer.RETIRE
        record_answer(
            unit, app, question, question.unanswered, answer, person=person, via=said.detail or app.tickets.name
        )
        return


def record_answer(
    unit: UnitOfWork,
    app: App,
    question: Recertification,
    servers: Iterable[str],
    answer: Answer,
    *,
    person: Person,
    via: str,
) -> Recertification:
    """Keep somebody's word about some servers of a question, and commit; what is retired is written into the registry."""
    now = app.clock()
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
            for writer in sorted(app.writers)
        ]
    by_hand = (
        ""
        if app.writers or answer is Answer.KEEP
        else " Take them out of the registry by hand: nothing is configured that writes it."
    )
    text = f"{person.name} {_WORDS[answer]} {', '.join(sorted(names))}.{by_hand}"
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
    mark = question.fingerprint
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
