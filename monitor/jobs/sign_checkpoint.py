"""The head of the audit log, signed and put where the log's owner cannot change it: also in an hour in which nothing happened."""

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.outcome import ACTOR, Outcome


async def sign_checkpoint(app: App) -> Outcome:
    """The head of the audit log, signed: from then on it cannot be rewritten unseen."""
    keeper = app.checkpoints
    if keeper is None:
        return Outcome()
    now = app.clock()
    head = await app.store.run(lambda unit: unit.head(now))
    kept = await guarded("checkpoints", keeper.keep(head))
    if isinstance(kept, Unknown):
        return Outcome(unknowns=(kept,))
    signed = AuditEvent(now, ACTOR, "checkpoint.signed", kept, {"seq": str(head.seq), "hash": head.hash})
    await app.store.run(lambda unit: unit.commit(signed))
    return Outcome()
