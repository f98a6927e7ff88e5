from monitor.domain.audit import verify
from monitor.store.database import Database
from tests.databases import NOW
from tests.store.keeping import claim, keep
from tests.store.processes import heard, kill, start, worker


async def test_a_process_that_is_killed_in_its_transaction_loses_nothing_and_leaves_the_chain_whole(
    database: str, store: Database
) -> None:
    await keep(store, lambda unit: unit.enrol("check", ["a"], NOW))
    victim = worker("die", database, "victim")
    start(victim)
    assert heard(victim) == "inside"

    kill(victim)

    assert await claim(store, "survivor") == ["a"]
    assert await claim(store, "survivor", job="digest") == []
    chain = await store.run(lambda unit: unit.chain())
    assert verify(chain) == len(chain) == 3
