import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.audit import GENESIS, AuditEvent, Broken, Checkpoint, verify, write
from monitor.ports.store import UnitOfWork
from monitor.store.database import Database
from monitor.store.transaction import Finished, NeverCommitted
from tests.databases import NOW, Opened
from tests.store.keeping import DONE, keep, tamper

# Half surrogates included: what upstream wrote is quoted in events as it came.
words = st.text(st.characters(), max_size=20)
zones = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=zones)  # noqa: DTZ001 - `timezones` adds them
events = st.builds(AuditEvent, times, words, words, words, st.dictionaries(words, words, max_size=3))


def event(subject: str) -> AuditEvent:
    return AuditEvent(NOW, "mcp-monitor", "test.done", subject, {})


async def chained(store: Database, length: int) -> Checkpoint:
    """Commit one event a transaction; return the head."""
    for number in range(1, length + 1):
        await store.run(lambda unit, name=str(number): unit.commit(event(name)))  # type: ignore[misc] # the default binds the loop variable
    return await store.run(lambda unit: unit.head(NOW))


async def test_an_empty_chain_has_the_genesis_head(store: Database) -> None:
    head = await store.run(lambda unit: unit.head(NOW))

    assert head == Checkpoint(0, GENESIS, NOW)


async def test_the_events_of_a_commit_are_sealed_in_their_order(store: Database) -> None:
    await store.run(lambda unit: unit.commit(event("first"), event("second"), event("third")))

    chain = await store.run(lambda unit: unit.chain())

    assert [sealed.line for sealed in chain] == [write(event(name)) for name in ("first", "second", "third")]
    assert verify(chain) == 3


async def test_a_commit_continues_the_chain_of_the_one_before(store: Database) -> None:
    head = await chained(store, 3)

    rest = await store.run(lambda unit: unit.chain(2))

    assert [sealed.seq for sealed in rest] == [3]
    assert rest[0].hash == head.hash


@given(st.lists(events, min_size=1, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_event_is_kept_as_it_was_written(store: Database, happened: list[AuditEvent]) -> None:
    before = await store.run(lambda unit: unit.head(NOW).seq)

    await store.run(lambda unit: unit.commit(*happened))

    chain = await store.run(lambda unit: unit.chain())
    assert [sealed.line for sealed in chain[before:]] == [write(each) for each in happened]
    assert verify(chain) == before + len(happened)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 3", 3),
        ("UPDATE audit SET line = (SELECT line FROM audit WHERE seq = 5) WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq >= 5", 5),
        ("DELETE FROM audit", 1),
    ],
)
async def test_an_edit_a_deletion_and_a_truncation_show(
    database: str, store: Database, statement: str, place: int
) -> None:
    checkpoint = await chained(store, 6)

    tamper(database, statement)

    found = verify(await store.run(lambda unit: unit.chain()), [checkpoint])
    assert isinstance(found, Broken)
    assert found.seq == place


async def test_a_line_that_is_no_text_any_more_shows(database: str, store: Database) -> None:
    await chained(store, 2)
    garbage = {True: "SET line = x'ff00ff'", False: r"SET line = '\xff00ff'"}[database.startswith("sqlite")]

    tamper(database, "UPDATE audit " + garbage)

    assert isinstance(verify(await store.run(lambda unit: unit.chain())), Broken)


async def test_a_chain_that_was_cut_and_goes_on_shows_against_the_checkpoint(database: str, store: Database) -> None:
    checkpoint = await chained(store, 4)
    tamper(database, "DELETE FROM audit WHERE seq >= 3")

    await chained(store, 2)

    chain = await store.run(lambda unit: unit.chain())
    assert verify(chain) == 4
    assert verify(chain, [checkpoint]) == Broken(
        4, "event 4 differs from the exported checkpoint: the chain was rewritten"
    )


async def test_two_processes_that_commit_at_once_seal_one_chain(database: str, opened: Opened) -> None:
    stores = [opened(database), opened(database)]

    await asyncio.gather(*(stores[number % 2].run(lambda unit: unit.commit(DONE, DONE)) for number in range(20)))

    assert verify(await stores[0].run(lambda unit: unit.chain())) == 40


def enrol(unit: UnitOfWork) -> None:
    unit.enrol("check", ["a"], NOW)


def enrol_and_fail(unit: UnitOfWork) -> None:
    enrol(unit)
    unit.commit(DONE)
    raise LookupError("after the commit")


async def test_what_was_kept_without_a_commit_is_a_fault_and_undone(store: Database) -> None:
    with pytest.raises(NeverCommitted):
        await store.run(enrol)

    claimed = await store.run(lambda unit: unit.claim("check", now=NOW, until=NOW, by="me", limit=1, servers=None))
    assert claimed == []


async def test_work_that_fails_is_undone_with_its_events(store: Database) -> None:
    with pytest.raises(LookupError):
        await store.run(enrol_and_fail)

    assert await store.run(lambda unit: unit.chain()) == []


async def test_looking_needs_no_commit(store: Database) -> None:
    await keep(store, enrol)

    claimed = await store.run(
        lambda unit: unit.claim("digest", now=NOW, until=NOW, by="me", limit=1, servers=None) or unit.claimants()
    )

    assert claimed == []


@pytest.mark.parametrize("then", [enrol, lambda unit: unit.commit(DONE), lambda unit: unit.chain()])
async def test_nothing_is_done_after_the_commit(store: Database, then: Callable[[UnitOfWork], object]) -> None:
    with pytest.raises(Finished):
        await keep(store, lambda unit: unit.commit(DONE), then)
