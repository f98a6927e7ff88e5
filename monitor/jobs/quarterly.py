"""Once a quarter each owner is asked which of their servers they keep: one ticket, with what is known of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from monitor.app import App
from monitor.domain.action import OpenTicket
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Document, Heading, Paragraph, Table
from monitor.domain.finding import Tracked
from monitor.domain.recertification import Recertification, quarter_of
from monitor.domain.server import Entry
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.store import UnitOfWork

NOBODY = "nobody"
"""Whose servers are those without an owner."""


async def ask_owners(app: App) -> Outcome:
    """The quarterly question to each owner: which of their servers they keep."""
    await app.store.run(partial(_ask, app=app))
    return Outcome()


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


def ask_again(unit: UnitOfWork, app: App, question: Recertification, now: datetime) -> OpenTicket:
    """Ask once more what is not answered, in place of a ticket that is gone."""
    entries = unit.entries()
    known = _known(unit, [entries[name] for name in question.unanswered if name in entries])
    ticket = _ticket(app, question, list(known.values()), now)
    text = "The ticket that asked this is gone, or is hidden from the monitor. What was answered there counts."
    return replace(ticket, body=(Paragraph(text), *ticket.body))


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
    mark = question.mark
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
