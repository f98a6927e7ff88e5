import asyncio
from collections import Counter
from datetime import timedelta

from monitor.domain.audit import verify
from monitor.store.database import Database
from tests.databases import NOW, Opened
from tests.store.keeping import LATER, SOON, claim, keep
from tests.store.processes import said, start, worker


async def test_an_enrolled_server_is_due_at_once(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["b", "a"], NOW))

    claimed = await claim(store, "me")

    assert claimed == ["a", "b"]


async def test_enrolling_again_leaves_the_next_look_where_it_is(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))
    await claim(store, "me")
    await keep(store, lambda unit: unit.release("check", ["a"], next_look_at=LATER, by="me"))

    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))

    assert await claim(store, "me", at=9) == []
    assert await claim(store, "me", at=10) == ["a"]


async def test_a_server_that_is_no_longer_named_is_forgotten(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a", "b"], NOW))

    await keep(store, lambda unit: unit.enrol("check", ["b"], NOW))

    assert await claim(store, "me") == ["b"]


async def test_jobs_do_not_see_each_others_servers(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW), lambda unit: unit.enrol("digest", ["b"], NOW))

    await keep(store, lambda unit: unit.enrol("digest", ["c"], NOW))

    assert await claim(store, "me", job="check") == ["a"]
    assert await claim(store, "me", job="digest") == ["c"]


async def test_what_waited_longest_is_claimed_first(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a", "b", "c"], NOW))
    await claim(store, "me")
    await keep(store, lambda unit: unit.release("check", ["a", "b"], next_look_at=LATER, by="me"))
    await keep(store, lambda unit: unit.release("check", ["c"], next_look_at=SOON, by="me"))

    claimed = await claim(store, "me", limit=2, at=20)

    assert claimed == ["a", "c"]


async def test_a_running_claim_is_nobody_elses_and_not_taken_twice(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))
    await claim(store, "me")

    again = await claim(store, "me", at=5)
    other = await claim(store, "other", at=5, servers=["a"])

    assert (again, other) == ([], [])


async def test_a_claim_that_ran_out_is_taken_over(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))
    await claim(store, "slow")

    taken = await claim(store, "quick", at=10)

    assert taken == ["a"]


async def test_a_late_release_leaves_the_new_holder_its_claim(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))
    await claim(store, "slow")
    await claim(store, "quick", at=10)

    await keep(store, lambda unit: unit.release("check", ["a"], next_look_at=NOW, by="slow"))

    assert await claim(store, "third", at=11) == []


async def test_named_servers_are_claimed_due_or_not(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a", "b"], LATER))

    claimed = await claim(store, "me", servers=["b", "not-enrolled"])

    assert claimed == ["b"]


async def test_a_claim_may_name_more_servers_than_a_statement_has_room_for(store: Database) -> None:
    servers = [f"io.github.example/server-{number}" for number in range(70_000)]
    await keep(store, lambda unit: unit.enrol("check", servers[:300], NOW))

    claimed = await claim(store, "me", servers=servers, limit=100_000)

    assert claimed == sorted(servers[:300])


async def test_the_claims_of_the_dead_are_broken_and_free_at_once(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a", "b", "c"], NOW))
    await claim(store, "dead", limit=2)
    await claim(store, "alive", limit=2)
    holders = await store.run(lambda unit: unit.claimants())
    broken: list[int] = []

    await keep(store, lambda unit: broken.append(unit.break_claims(["dead", "never-seen"])))

    assert holders == ["alive", "dead"]
    assert broken == [2]
    assert await store.run(lambda unit: unit.claimants()) == ["alive"]
    assert await claim(store, "me") == ["a", "b"]


async def test_who_let_a_claim_run_out_holds_nothing(store: Database) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW - timedelta(hours=1)))

    await claim(store, "gone", at=-20)

    assert await store.run(lambda unit: unit.claimants()) == []


async def test_threads_that_claim_at_once_never_share_a_server(database: str, opened: Opened) -> None:
    stores = [opened(database), opened(database)]
    servers = [f"server-{number:02}" for number in range(40)]
    await keep(stores[0], lambda unit: unit.enrol("check", servers, NOW))

    batches = await asyncio.gather(*(claim(stores[number % 2], f"worker-{number}", limit=3) for number in range(16)))

    claimed = Counter(server for batch in batches for server in batch)
    assert claimed == dict.fromkeys(servers, 1)


async def test_processes_that_claim_at_once_never_share_a_server_and_leave_one_chain(
    database: str, opened: Opened
) -> None:
    servers = [f"server-{number:02}" for number in range(40)]
    store = opened(database)
    await keep(store, lambda unit: unit.enrol("check", servers, NOW))
    first, second = worker("claim", database, "first"), worker("claim", database, "second")

    start(first, second)
    claimed = said(first) + said(second)

    left = await claim(store, "third", limit=100)
    assert sorted(claimed + left) == servers
    chain = await store.run(lambda unit: unit.chain())
    assert verify(chain) == len(chain) > 2
