"""What happened, handed over to the organisation's SIEMs: read off the audit chain, so that nothing that was audited is left out.

The cursor of a sink and its events in the outbox are kept in one transaction: each event is queued once, whatever is killed.
"""

import json
from datetime import datetime
from functools import partial

from monitor.about import installed_version
from monitor.app import App
from monitor.domain.action import SendEvent
from monitor.domain.audit import AuditEvent, read
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.ocsf import ocsf
from monitor.ports.store import UnitOfWork

AT_ONCE = 1000
"""Links of the chain in one transaction."""
CURSOR = "siem:"
"""Begins the names of the sinks' cursors."""


async def hand_over(app: App) -> Outcome:
    """Findings, decisions and approvals as OCSF events for each SIEM that is configured."""
    for sink in app.sinks:
        while await app.store.run(partial(_some, app=app, sink=sink)):
            pass
    return Outcome()


def _some(unit: UnitOfWork, app: App, sink: str) -> bool:
    """Queue what the next links tell; return whether there may be more. A new sink hears what comes from the run on that finds it."""
    unit.alone()
    now = app.clock()
    done = unit.cursor(CURSOR + sink)
    if done is None:
        begin = _this_run(unit, app, now)
        unit.keep_cursor(CURSOR + sink, begin)
        unit.commit(AuditEvent(now, ACTOR, "siem.begun", sink, {"after": str(begin)}))
        return True
    links = unit.chain(done, AT_ONCE)
    told = [
        SendEvent(f"event:{sink}:{link.seq}", sink, json.dumps(said, sort_keys=True, separators=(",", ":")))
        for link in links
        if (event := read(link.line)) and (said := ocsf(link, event, version=installed_version()))
    ]
    # Where nothing is told the cursor may lag a little: to move it each time would be an event, which would have to be read next.
    if not told and len(links) < AT_ONCE:
        return False
    unit.queue(told, now)
    unit.keep_cursor(CURSOR + sink, links[-1].seq)
    unit.commit(AuditEvent(now, ACTOR, "siem.queued", sink, {"events": str(len(told)), "through": str(links[-1].seq)}))
    return len(links) == AT_ONCE


def _this_run(unit: UnitOfWork, app: App, now: datetime) -> int:
    """Return the number of the last link before this process began its run: what that found already is news."""
    head = unit.head(now).seq
    after = max(0, head - AT_ONCE)
    begun = [
        link.seq
        for link in unit.chain(after)
        if (event := read(link.line)) and event.verb == "run.started" and event.subject == app.claimant
    ]
    return begun[-1] - 1 if begun else head
