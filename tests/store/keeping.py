"""Short ways to say things in tests of the store."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, create_engine, text

from monitor.domain.audit import AuditEvent
from monitor.ports.store import UnitOfWork
from monitor.store.database import Database
from tests.databases import NOW

SOON = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=10)
DONE = AuditEvent(NOW, "mcp-monitor", "test.done", "test", {})


async def keep(store: Database, *steps: Callable[[UnitOfWork], object]) -> None:
    """Do the steps in one transaction, and commit them."""

    def work(unit: UnitOfWork) -> None:
        for step in steps:
            step(unit)
        unit.commit(DONE)

    await store.run(work)


async def claim(
    store: Database, by: str, *, job: str = "check", limit: int = 10, servers: list[str] | None = None, at: int = 0
) -> list[str]:
    """Claim for ten minutes, `at` minutes after `NOW`."""
    now = NOW + timedelta(minutes=at)

    def work(unit: UnitOfWork) -> list[str]:
        claimed = unit.claim(job, now=now, until=now + timedelta(minutes=10), by=by, limit=limit, servers=servers)
        unit.commit(DONE)
        return claimed

    return await store.run(work)


def tamper(url: str, statement: str) -> None:
    """Change the database behind the program's back."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def count(url: str, table: str) -> int:
    """Return how many rows a table has."""
    return len(rows(url, f"SELECT 1 FROM {table}"))  # noqa: S608 - the tests' own table names


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """Look into the database past the program."""
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found
