"""Keep the trust roots current, so that what is younger than the program can be decided."""

import asyncio
from datetime import datetime

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.health import heard
from monitor.domain.provenance import TrustRoot
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

SOURCE = "trust-roots"


async def refresh_roots(app: App) -> Outcome:
    """Fetch the trust roots that are current and use them; those in use stay where none can be had."""
    found = await app.trust_roots.refresh()
    if not found:
        nowhere = Unknown(Reason.NOT_COVERED, SOURCE, "not refreshed: [verification] names no folder, or no mirror")
        return Outcome(unknowns=(nowhere,))
    kept = [root for root in found.values() if isinstance(root, TrustRoot)]
    unknowns = [root for root in found.values() if isinstance(root, Unknown)]
    try:
        await asyncio.to_thread(app.verifier.renew)
    except SourceError as error:
        unknowns.append(error.unknown())
    now = app.clock()
    await app.store.run(lambda unit: _record(unit, kept, unknowns, now))
    return Outcome(unknowns=tuple(dict.fromkeys(unknowns)))


def _record(unit: UnitOfWork, kept: list[TrustRoot], unknowns: list[Unknown], now: datetime) -> None:
    problem = unknowns[0].detail if unknowns else None
    unit.keep_health([heard(unit.health().get(SOURCE), SOURCE, now, problem)])
    detail = {root.name: f"{root.dated:%Y-%m-%d}" for root in kept}
    unit.commit(AuditEvent(now, ACTOR, "roots.refreshed", SOURCE, detail | {"unknown": str(len(unknowns))}))
