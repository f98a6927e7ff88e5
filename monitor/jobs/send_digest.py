"""The digest: open findings that woke nobody and ask for no decision, told once."""

from dataclasses import replace

from monitor import messages
from monitor.app import App
from monitor.domain.action import SendAlert
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Bullets
from monitor.domain.fingerprint import fingerprint
from monitor.jobs.answer_for import policy_of
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.policy.lanes import Lane, lane, live_findings
from monitor.ports.store import UnitOfWork
from monitor.wording import answered_words


async def send_digest(app: App) -> Outcome:
    """One message about everything below the ticket threshold that is new since the last digest; nothing when there is nothing."""
    await app.store.run(lambda unit: _record(unit, app))
    return Outcome()


def _record(unit: UnitOfWork, app: App) -> None:
    now = app.clock()
    policy = policy_of(unit, app.policy, now)
    live = live_findings(policy, (each for each in unit.findings() if each.open), now)
    due = [
        each
        for each in live
        if lane(policy, each.finding, live) is Lane.DIGEST
        and (each.alerted_at is None or each.alerted_at < each.opened_at)
    ]
    if not due:
        return
    worst_first = sorted(due, key=lambda each: -each.finding.severity.rank)
    key = f"digest:{fingerprint(*sorted(f'{each.finding.fingerprint}.{each.occurrences}' for each in due))}"
    title = f"Digest: {len(due)} findings that need no decision"
    taken = [
        f"{each.finding.server}, {each.finding.rule}: {answered_words(answer)}"
        for each in worst_first[:20]
        if (answer := policy.acknowledgement(each.finding, now))
    ]
    body = (*messages.digest_body(worst_first), *([Bullets(tuple(taken))] if taken else []))
    unit.queue([SendAlert(key, app.policy.channel, title, body, worst_first[0].finding.severity.value)], now)
    unit.keep_findings([replace(each, alerted_at=now, told=Lane.DIGEST.value) for each in due])
    unit.commit(AuditEvent(now, ACTOR, "digest.queued", app.policy.channel, {"findings": str(len(due))}))
