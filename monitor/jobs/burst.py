"""Let the servers of one burst be one matter, before their decisions are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.app import App
from monitor.domain.action import OpenTicket
from monitor.domain.review import Review
from monitor.jobs.outcome import Judged
from monitor.policy.campaigns import campaign_marks, gather
from monitor.ports.store import UnitOfWork


def together(unit: UnitOfWork, app: App, judged: Sequence[Judged], now: datetime) -> list[Judged]:
    """Gather what begins together, with what began shortly before; where no ticket is to be opened, nothing is read for that."""
    decisions = [each.decision for each in judged]
    opens = any(isinstance(action, OpenTicket) for each in decisions for action in each.actions)
    recent = unit.reviews_since(now - app.policy.campaigns.within) if opens else []
    marks = campaign_marks(decisions) | {each.lives_in for each in recent if each.campaign}
    living = unit.reviews_in(marks) if marks else list[Review]()
    servers = {name: entry.server for name, entry in unit.entries().items()} if opens else {}
    servers |= {each.snapshot.server.name: each.snapshot.server for each in judged}
    known = {each.fingerprint: each for each in (*recent, *living)}
    gathered = gather(app.policy, decisions, list(known.values()), servers, now)
    return [replace(each, decision=decision) for each, decision in zip(judged, gathered, strict=True)]
