"""Claims: which process looks at which servers now. A claim ends with its work, with its time, or with its process."""

import os
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.jobs.outcome import ACTOR
from monitor.ports.store import UnitOfWork


def claim(unit: UnitOfWork, *, app: App, job: str, batch: Sequence[str] | None) -> list[str]:
    """Claim these servers, due or not, or (None) the next that are due; return those that nobody else holds."""
    now = app.clock()
    until = now + timedelta(seconds=app.limits.claim_seconds)
    claimed = unit.claim(job, now=now, until=until, by=app.claimant, limit=app.limits.servers(job), servers=batch)
    if claimed:
        unit.commit(AuditEvent(now, ACTOR, f"{job}.claimed", app.claimant, {"servers": str(len(claimed))}))
    return claimed


def give_back(unit: UnitOfWork, *, app: App, job: str, servers: Sequence[str], again_at: datetime) -> None:
    """Give a batch back, and set when it is due again."""
    unit.release(job, servers, next_look_at=again_at, by=app.claimant)
    unit.commit(AuditEvent(app.clock(), ACTOR, f"{job}.given-back", app.claimant, {"servers": str(len(servers))}))


def dead(claimants: Collection[str], *, own: str) -> list[str]:
    """Return the claimants `host:pid:start` of this host whose process is no more; another host's claims end by their time.

    An older claimant with our own process number is dead, too: in a container every process is number 1.
    """
    host, pid, _ = own.split(":", maxsplit=2)
    others = ((each, *each.split(":", maxsplit=2)[:2]) for each in claimants if each != own)
    return [
        each
        for each, their_host, their_pid in others
        if their_host == host and (their_pid == pid or not _alive(their_pid))
    ]


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
