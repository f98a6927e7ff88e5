"""What reports and evidence read: what was there within a time, and where a body came from."""

from datetime import timedelta
from hashlib import sha256

from monitor.domain.evidence import Evidence, Sighting
from monitor.store.database import Database
from tests.databases import NOW
from tests.store.keeping import LATER, keep
from tests.store.test_history import deployment, inventory


async def test_what_was_there_for_a_part_of_the_time_is_in_it(store: Database) -> None:
    second, third = NOW + timedelta(days=1), NOW + timedelta(days=2)
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("b")), second))
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("c")), third))

    async def hosts(begin: int, end: int) -> list[str]:
        times = NOW + timedelta(hours=begin), NOW + timedelta(hours=end)
        return [each.deployment.host for each in await store.run(lambda unit: unit.stays_within(*times))]

    assert await hosts(-24, 0) == []
    assert await hosts(-24, 1) == ["a"]
    assert await hosts(1, 24) == ["a"]
    assert await hosts(24, 48) == ["b"]
    assert await hosts(23, 49) == ["a", "b", "c"]
    assert await hosts(48, 10_000) == ["c"]


async def test_each_address_that_gave_a_body_is_told_first_and_last(store: Database) -> None:
    digest = sha256(b"body").hexdigest()
    await keep(store, lambda unit: unit.keep_evidence([Evidence("http://registry.example/a", digest, NOW, b"body")]))
    await keep(store, lambda unit: unit.keep_evidence([Evidence("http://registry.example/a", digest, LATER, b"body")]))

    found = await store.run(lambda unit: (unit.sightings([digest]), unit.sightings(["0" * 64])))

    assert found == ([Sighting("http://registry.example/a", digest, NOW, LATER)], [])
