"""A second process for tests: `python -m tests.store.worker claim|die URL NAME`.

It obeys its standard input, so that tests need no sleep.
"""

import asyncio
import sys
from datetime import timedelta

from monitor.domain.audit import AuditEvent
from monitor.ports.store import UnitOfWork
from monitor.store.database import Database, open_store
from tests.databases import NOW, clock


def say(line: str) -> None:
    """Tell the parent."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def claim_all(store: Database, name: str) -> None:
    """Claim batches until nothing is free; print a server a line."""

    def batch(unit: UnitOfWork) -> list[str]:
        until = NOW + timedelta(minutes=10)
        claimed = unit.claim("check", now=NOW, until=until, by=name, limit=3, servers=None)
        unit.commit(*(AuditEvent(NOW, name, "server.claimed", server, {}) for server in claimed or ["nothing"]))
        return claimed

    while claimed := await store.run(batch):
        for server in claimed:
            say(server)


async def die(store: Database, name: str) -> None:
    """Keep something, commit it, and wait inside the transaction to be killed."""

    def work(unit: UnitOfWork) -> None:
        unit.claim("check", now=NOW, until=NOW + timedelta(minutes=10), by=name, limit=1, servers=None)
        unit.enrol("digest", ["half"], NOW)
        unit.commit(AuditEvent(NOW, name, "half.done", "half", {}))
        say("inside")
        sys.stdin.read()

    await store.run(work)


async def main(verb: str, url: str, name: str) -> None:
    """Open the store, wait for a line on standard input, and do what is asked."""
    store = open_store(url, clock=clock)
    say("ready")
    sys.stdin.readline()
    await {"claim": claim_all, "die": die}[verb](store, name)
    store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
