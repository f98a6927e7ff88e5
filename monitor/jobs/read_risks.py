"""KEV and EPSS, read anew: which known flaws are used, and which probably will be."""

from datetime import datetime, timedelta
from functools import partial

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.health import heard
from monitor.domain.risk import RiskTable
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ports.sources import Fresh, RiskSource, Unchanged, Validators
from monitor.ports.store import UnitOfWork

OLD = timedelta(days=10)
"""Both lists change almost daily: one that is older than this is not the list any more."""
SMALL = 20
"""A list of more flaws than this does not lose half of them: CISA and FIRST hardly ever take one off."""


async def read_risks(app: App) -> Outcome:
    """Which known flaws are used (KEV), and which probably will be (EPSS)."""
    await app.store.run(partial(_forget, app=app))
    kept = await app.store.run(lambda unit: unit.risk_lists())
    unknowns = []
    for source in app.risks:
        as_of, validators = kept.get(source.name, (None, {}))
        answer = await _read(app, source, validators)
        if isinstance(answer, Fresh):
            as_of = answer.value.as_of
        problem = answer if isinstance(answer, Unknown) else _too_old(source.name, as_of, app.clock())
        unknowns += [problem] if problem else []
        silent = problem.detail if problem else None
        await app.store.run(partial(_keep, app=app, name=source.name, answer=answer, silent=silent))
    return Outcome(unknowns=tuple(unknowns))


async def _read(app: App, source: RiskSource, validators: Validators) -> Fresh[RiskTable] | Unchanged | Unknown:
    answer = await guarded(source.name, source.read(validators))
    if not isinstance(answer, Fresh):
        return answer
    before = await app.store.run(lambda unit: unit.risk_size(source.name))
    return _shrunk(answer.value, before) or answer


def _shrunk(table: RiskTable, before: int) -> Unknown | None:
    """Refuse a list that lost more than half of its flaws: a broken one would end every mark without a word."""
    now = _size(table)
    if before <= SMALL or now * 2 >= before:
        return None
    detail = (
        f"its list names {now} flaws, and named {before} before: the one of before is kept. If that is right,"
        f' forget it: run the job "risks" once with sources.{table.source}.place = "", and once as now'
    )
    return Unknown(Reason.MALFORMED, table.source, detail)


def _too_old(name: str, as_of: datetime | None, now: datetime) -> Unknown | None:
    if as_of is None or now - as_of <= OLD:
        return None
    return Unknown(Reason.UNAVAILABLE, name, f"its list is of {as_of:%Y-%m-%d}: too old to rely on")


def _size(table: RiskTable) -> int:
    return len(table.exploited) + len(table.epss)


def _forget(unit: UnitOfWork, *, app: App) -> None:
    """What a source said that is no longer configured counts no more."""
    forgotten = unit.forget_risks([source.name for source in app.risks])
    if forgotten:
        unit.commit(*(AuditEvent(app.clock(), ACTOR, "risks.forgotten", name, {}) for name in forgotten))


def _keep(
    unit: UnitOfWork, *, app: App, name: str, answer: Fresh[RiskTable] | Unchanged | Unknown, silent: str | None
) -> None:
    now = app.clock()
    before = unit.health().get(name)
    detail = {"problem": silent} if silent else {}
    if isinstance(answer, Fresh):
        unit.keep_risks(answer.value, answer.validators)
        unit.keep_evidence(answer.evidence)
        detail |= {"as of": f"{answer.value.as_of:%Y-%m-%d}", "flaws": str(_size(answer.value))}
    unit.keep_health([heard(before, name, now, silent)])
    unit.commit(AuditEvent(now, ACTOR, "risks.read", name, detail))
