"""Somebody answers for a finding: kept with its end, audited, and said where the finding was said."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.domain.action import Action, CommentTicket, SendAlert
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Document, Paragraph
from monitor.domain.finding import Finding, Tracked
from monitor.domain.people import Person
from monitor.domain.review import OPEN
from monitor.domain.waiver import Kind, Waiver
from monitor.policy.lanes import live_findings
from monitor.policy.settings import Policy
from monitor.policy.telling import heads
from monitor.ports.store import UnitOfWork
from monitor.wording import answered_words

GRAVE = frozenset({"malware", "shadow-malware"})
"""Who waives one of these says so to the whole channel."""

GUARDED = GRAVE | {"identity-mismatch"}
"""What holds an approval, or a version, together with each trust signal: whoever waives one of these decides, and has to be allowed to."""


def may_not_waive(unit: UnitOfWork, policy: Policy, person: Person, finding: Finding) -> str:
    """Return why somebody may not waive a finding; empty: they may. To acknowledge is open to everybody."""
    if finding.rule not in GUARDED and not finding.trust_signal:
        return ""
    approvers = policy.people.approvers
    if person.name not in approvers:
        group = ", ".join(sorted(approvers)) or "nobody yet"
        return f"{finding.rule} is waived by those who approve (reviews.approvers: {group})"
    if any(each.by == person.name and each.server.name == finding.server for each in unit.submissions()):
        return f"{person.name} submitted {finding.server}: another approver has to waive {finding.rule}"
    return ""


def policy_of(unit: UnitOfWork, policy: Policy, now: datetime) -> Policy:
    """Return the policy with what people answer for by command now; read in the transaction that judges by it."""
    return replace(policy, waivers=(*policy.waivers, *unit.waivers(now)))


def answer_for(unit: UnitOfWork, policy: Policy, given: Sequence[Waiver], now: datetime) -> None:
    """Keep what somebody said of one or more findings, the same of each, say so where they were told, and commit."""
    unit.alone()
    unit.keep_waivers(given)
    first, *rest = (AuditEvent(now, each.by, f"{each.kind.value}.given", each.server, _detail(each)) for each in given)
    words = answered_words(given[0])
    _say(unit, policy, given, Paragraph(f"{words[:1].upper()}{words[1:]}"), now)
    unit.commit(first, *rest)


def take_back(unit: UnitOfWork, policy: Policy, given: Waiver, *, by: str, now: datetime) -> bool:
    """Let it hold no more, say so where it was said, and commit; False: it did not hold any more."""
    unit.alone()
    if not unit.undo_waiver(given.id, now):
        return False
    event = AuditEvent(now, by, f"{given.kind.value}.undone", given.server, _detail(given))
    _say(unit, policy, [given], Paragraph(f"{by} took back: {answered_words(given)}"), now)
    unit.commit(event)
    return True


def _detail(given: Waiver) -> dict[str, str]:
    return {
        "id": given.id,
        "rule": given.rule,
        "subject": given.subject[:500],
        "reason": given.reason[:500],
        "by": given.by,
        "expires_at": given.expires_at.isoformat(),
    }


def _say(unit: UnitOfWork, policy: Policy, given: Sequence[Waiver], said: Paragraph, now: datetime) -> None:
    """Reply in the threads of the incidents, write their first messages anew, and comment in the tickets."""
    servers = {each.server for each in given}
    known = unit.findings(servers)
    about = [each for each in known if each.open and any(it.names(each.finding) for it in given)]
    body = (said, *(Paragraph(each.finding.summary) for each in about[:5]))
    first, name = given[0], ", ".join(sorted(servers)[:3])
    entry = unit.entries().get(first.server)
    channel = policy.channel_for(entry.server if entry else None)
    key = f"{first.id}:{int(now.timestamp() * 1000)}"
    replies = [
        SendAlert(
            f"answered:{incident}:{key}",
            channel,
            f"{first.kind.value.capitalize()}: {name}",
            body,
            max((each.finding.severity for each in about), key=lambda severity: severity.rank).value,
            incident=incident,
            loud=first.kind is Kind.WAIVER and any(each.rule in GRAVE for each in given),
        )
        for incident in sorted({each.incident for each in about if each.incident})
    ]
    held = policy_of(unit, policy, now)
    live = live_findings(held, (each for each in unit.findings() if each.open), now)
    unit.queue([*replies, *heads(replies, live, held, now), *_comments(unit, about, body, key)], now)


def _comments(unit: UnitOfWork, about: Sequence[Tracked], body: Document, key: str) -> list[Action]:
    asked = {each.finding.about for each in about if each.finding.about}
    servers = {each.finding.server for each in about}
    marks = {
        review.mark: review.server
        for review in unit.reviews(servers)
        if review.state in OPEN and review.candidate.purl in asked
    }
    return [CommentTicket(f"answered:{mark}:{key}", server, mark, body) for mark, server in marks.items()]
