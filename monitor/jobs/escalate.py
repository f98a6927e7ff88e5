"""What somebody was paged for, and nobody answered."""

from datetime import UTC, datetime

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.jobs.answer_for import policy_of
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.policy.escalating import escalate_all
from monitor.ports.store import UnitOfWork

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""What held, or would have, at some time since then: everything but what was taken back."""


async def escalate(app: App) -> Outcome:
    """Pages that nobody acknowledged, and whose ticket nobody took up, within policy.escalate_after."""
    await app.store.run(lambda unit: _record(unit, app))
    return Outcome()


def _record(unit: UnitOfWork, app: App) -> None:
    unit.alone()
    now = app.clock()
    policy = policy_of(unit, app.policy, now)
    said = escalate_all(policy, unit.findings(), unit.reviews(), unit.entries(), given=unit.waivers(EVER), now=now)
    new = [each for each in said if not unit.queued(each.key)]
    if not new:
        return
    unit.queue(new, now)
    unit.commit(*(AuditEvent(now, ACTOR, "page.escalated", each.channel, {"key": each.key}) for each in new))
