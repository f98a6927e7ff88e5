"""The local copy of the advisories, brought up to date."""

from datetime import timedelta
from functools import partial

from monitor.app import MIRROR, App
from monitor.domain.audit import AuditEvent
from monitor.domain.health import heard
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.sources import MirrorState
from monitor.ports.store import UnitOfWork

WHOLE_EVERY = timedelta(hours=24)
"""A list of modifications does not tell what was deleted: now and then everything is compared."""


async def refresh_mirror(app: App) -> Outcome:
    """The local copy of the advisories: what was modified, and once a day everything."""
    if app.mirror is None:
        return Outcome()
    before = await app.mirror.state()
    whole = isinstance(before, Unknown) or app.clock() - before.whole_at >= WHOLE_EVERY
    answer = await guarded(app.mirror.name, app.mirror.refresh(whole=whole))
    await app.store.run(partial(_keep, app=app, name=app.mirror.name, answer=answer))
    if isinstance(answer, Unknown):
        return Outcome(unknowns=(answer,))
    return Outcome(problems=tuple(f"{app.mirror.name}: {problem}" for problem in answer.problems))


def _keep(unit: UnitOfWork, *, app: App, name: str, answer: MirrorState | Unknown) -> None:
    now = app.clock()
    silent = answer.detail if isinstance(answer, Unknown) else None
    detail = {"problem": silent} if silent else {}
    if isinstance(answer, MirrorState):
        detail |= {
            "records": str(answer.records),
            "changed": str(answer.changed),
            "unreadable": str(len(answer.problems)),
        }
    unit.keep_health([heard(unit.health().get(MIRROR + name), MIRROR + name, now, silent)])
    unit.commit(AuditEvent(now, ACTOR, "advisories.mirrored", name, detail))
