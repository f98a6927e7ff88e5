"""KEV and EPSS, read anew: which known flaws are used, and which probably will be."""

from datetime import timedelta
from functools import partial

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.health import heard
from monitor.domain.risk import RiskTable
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.sources import Fresh
from monitor.ports.store import UnitOfWork

OLD = timedelta(days=10)
"""Both lists change almost daily: one that is older than this is not the list any more."""


async def read_risks(app: App) -> Outcome:
    """Which known flaws are used (KEV), and which probably will be (EPSS)."""
    kept = await app.store.run(lambda unit: unit.risk_lists())
    unknowns = []
    for source in app.risks:
        as_of, validators = kept.get(source.name, (None, {}))
        answer = await guarded(source.name, source.read(validators))
        if isinstance(answer, Fresh):
            as_of = answer.value.as_of
        if not isinstance(answer, Unknown) and as_of is not None and app.clock() - as_of > OLD:
            unknowns.append(
                Unknown(Reason.UNAVAILABLE, source.name, f"its list is of {as_of:%Y-%m-%d}: too old to rely on")
            )
        elif isinstance(answer, Unknown):
            unknowns.append(answer)
        silent = unknowns[-1].detail if unknowns and unknowns[-1].source == source.name else None
        await app.store.run(partial(_keep, app=app, name=source.name, answer=answer, silent=silent))
    return Outcome(unknowns=tuple(unknowns))


def _keep(unit: UnitOfWork, *, app: App, name: str, answer: object, silent: str | None) -> None:
    now = app.clock()
    before = unit.health().get(name)
    detail = {"problem": silent} if silent else {}
    if isinstance(answer, Fresh) and isinstance(answer.value, RiskTable):
        table = answer.value
        unit.keep_risks(table, answer.validators)
        unit.keep_evidence(answer.evidence)
        detail |= {"as of": f"{table.as_of:%Y-%m-%d}", "flaws": str(len(table.exploited) + len(table.epss))}
    unit.keep_health([heard(before, name, now, silent)])
    unit.commit(AuditEvent(now, ACTOR, "risks.read", name, detail))
