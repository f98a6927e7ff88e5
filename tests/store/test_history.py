import asyncio
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.deployment import Deployment, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.server import Entry, Server
from monitor.store.database import Database
from tests.databases import NOW, Opened
from tests.store import nouns
from tests.store.keeping import LATER, keep, rows

TOMORROW = NOW + timedelta(days=1)


def deployment(host: str, version: str = "1.0.0") -> Deployment:
    return Deployment(host, "vscode", "mcp.json", "server", PinKind.EXACT, Purl.npm("server", version))


def inventory(*deployments: Deployment, source: str = "laptops", complete: bool = True) -> Inventory:
    return Inventory(source, deployments, (), complete)


def entry(name: str, *, line: int = 1, tier: int = 1) -> Entry:
    return Entry(Server(name, Purl.npm("server"), None, None, "team", tier), None, line)


async def deployed(store: Database) -> set[tuple[str, str, str]]:
    found = await store.run(lambda unit: unit.deployments())
    return {(each.host, each.purl.version or "", seen_at.isoformat()) for each, seen_at in found if each.purl}


async def test_what_a_source_sees_is_deployed_and_what_it_no_longer_sees_is_not(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a"), deployment("b")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("b"), deployment("c")), LATER))

    assert await deployed(store) == {("b", "1.0.0", LATER.isoformat()), ("c", "1.0.0", LATER.isoformat())}


async def test_what_one_source_sees_says_nothing_of_anothers(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(source="cluster"), LATER))

    assert await deployed(store) == {("a", "1.0.0", NOW.isoformat())}


async def test_an_inventory_of_a_part_makes_nothing_gone(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a"), deployment("b")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("b", "2.0.0"), complete=False), LATER))

    assert await deployed(store) == {("a", "1.0.0", NOW.isoformat()), ("b", "2.0.0", LATER.isoformat())}


def reports(*hosts: str) -> tuple[HostReport, ...]:
    return tuple(HostReport(host, NOW) for host in hosts)


async def test_a_host_that_told_a_part_keeps_what_it_had_and_the_others_do_not(store: Database) -> None:
    before = inventory(deployment("a"), deployment("b"), deployment("deleted"))
    await keep(store, lambda unit: unit.keep_inventory(before, NOW))

    seen = replace(inventory(), reports=reports("a", "b"), partial=frozenset({"a"}))
    await keep(store, lambda unit: unit.keep_inventory(seen, LATER))

    assert await deployed(store) == {("a", "1.0.0", NOW.isoformat())}


async def test_where_a_report_is_of_nobody_known_each_host_without_one_keeps_what_it_had(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a"), deployment("b")), NOW))

    seen = replace(inventory(complete=False), reports=reports("b"))
    await keep(store, lambda unit: unit.keep_inventory(seen, LATER))

    assert await deployed(store) == {("a", "1.0.0", NOW.isoformat())}


async def test_an_inventory_that_was_collected_earlier_was_seen_then(store: Database) -> None:
    collected = replace(inventory(deployment("a")), collected_at=NOW)

    await keep(store, lambda unit: unit.keep_inventory(collected, LATER))

    assert await deployed(store) == {("a", "1.0.0", NOW.isoformat())}


async def test_what_ran_where_before_is_still_told(database: str, store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a", "2.0.0")), LATER))
    await keep(store, lambda unit: unit.keep_inventory(inventory(), TOMORROW))

    states = rows(database, "SELECT document, gone_at FROM deployments ORDER BY since")

    assert ["1.0.0" in str(document) for document, _ in states] == [True, False]
    assert all(gone_at for _, gone_at in states)


async def test_a_deployment_that_comes_back_is_deployed_again(store: Database) -> None:
    for at, seen in ((NOW, (deployment("a"),)), (LATER, ()), (TOMORROW, (deployment("a"),))):
        await keep(store, lambda unit, at=at, seen=seen: unit.keep_inventory(inventory(*seen), at))  # type: ignore[misc] # the defaults bind the loop variables

    assert await deployed(store) == {("a", "1.0.0", TOMORROW.isoformat())}


async def test_what_only_a_forgotten_inventory_saw_is_gone_and_still_told(database: str, store: Database) -> None:
    await keep(
        store,
        lambda unit: unit.keep_inventory(inventory(deployment("a"), source="old name"), NOW),
        lambda unit: unit.keep_inventory(inventory(deployment("b")), NOW),
    )

    await keep(store, lambda unit: unit.forget_inventories(["laptops", "never read"], LATER))

    assert await deployed(store) == {("b", "1.0.0", NOW.isoformat())}
    assert len(rows(database, "SELECT place FROM deployments WHERE gone_at IS NOT NULL")) == 1


async def test_a_file_of_a_package_is_deployed_as_that_package(store: Database) -> None:
    by_path = replace(deployment("a"), kind=PinKind.PATH, purl=None, installed=Purl.npm("server", "1.0.0"))
    await keep(store, lambda unit: unit.keep_inventory(inventory(by_path), NOW))

    stays, ran = await store.run(lambda unit: (unit.stays([Purl.npm("server")]), unit.ran(None, None)))

    assert [stay.deployment for stay in stays] == [by_path]
    assert ran == {Purl.npm("server", "1.0.0")}


async def test_where_no_inventory_is_left_nothing_is_deployed(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))

    await keep(store, lambda unit: unit.forget_inventories([], LATER))

    assert await deployed(store) == set()


async def test_a_forgotten_inventory_that_is_read_again_is_as_new(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))
    await keep(store, lambda unit: unit.forget_inventories([], LATER))

    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), TOMORROW))

    assert await deployed(store) == {("a", "1.0.0", TOMORROW.isoformat())}


async def test_two_inventories_of_one_moment_leave_the_last(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a", "2.0.0")), NOW))

    assert await deployed(store) == {("a", "2.0.0", NOW.isoformat())}


async def test_two_processes_that_read_one_inventory_at_once_keep_it_once(database: str, opened: Opened) -> None:
    stores = [opened(database), opened(database)]
    seen = inventory(*(deployment(f"host-{number}") for number in range(20)))
    moments = [NOW + timedelta(seconds=number) for number in range(8)]

    await asyncio.gather(
        *(
            keep(stores[number % 2], lambda unit, at=at: unit.keep_inventory(seen, at))  # type: ignore[misc] # the default binds the loop variable
            for number, at in enumerate(moments)
        )
    )

    assert len(await stores[0].run(lambda unit: unit.deployments())) == 20


async def test_entries_are_those_of_the_last_look(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_entries([entry("a"), entry("b")], NOW))

    await keep(store, lambda unit: unit.keep_entries([entry("b", tier=2), entry("c")], LATER))

    kept = await store.run(lambda unit: unit.entries())
    assert kept == {"b": entry("b", tier=2), "c": entry("c")}


async def test_an_entry_that_moved_within_its_file_is_the_same_one(database: str, store: Database) -> None:
    await keep(store, lambda unit: unit.keep_entries([entry("a")], NOW))

    await keep(store, lambda unit: unit.keep_entries([entry("a", line=7)], LATER))

    assert await store.run(lambda unit: unit.entries()) == {"a": entry("a", line=7)}
    assert len(rows(database, "SELECT server FROM entries")) == 1


async def test_an_entry_that_changed_keeps_its_old_form_in_the_history(database: str, store: Database) -> None:
    await keep(store, lambda unit: unit.keep_entries([entry("a")], NOW))

    await keep(store, lambda unit: unit.keep_entries([entry("a", tier=3)], LATER))

    assert len(rows(database, "SELECT server FROM entries")) == 2


@given(st.lists(nouns.deployments, max_size=4), st.lists(nouns.entries, max_size=4), nouns.words)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_there_is_kept_as_it_was(
    store: Database, deployments: list[Deployment], entries: list[Entry], source: str
) -> None:
    places = {deployment.key: deployment for deployment in deployments}
    named = {entry.server.name: entry for entry in entries}

    await keep(
        store,
        lambda unit: unit.keep_inventory(inventory(*deployments, source=source), NOW),
        lambda unit: unit.keep_entries(entries, NOW),
    )

    kept = [deployment for deployment, _ in await store.run(lambda unit: unit.deployments())]
    assert all(deployment in kept for deployment in places.values())
    assert await store.run(lambda unit: unit.entries()) == named


async def test_every_version_that_ran_in_a_time_is_told_once(store: Database) -> None:
    floating = replace(deployment("d"), purl=Purl.npm("server"))
    first = inventory(deployment("a"), deployment("b"), floating, replace(floating, host="e", purl=None))
    await keep(store, lambda unit: unit.keep_inventory(first, NOW))
    installed = replace(floating, installed=Purl.npm("server", "3.0.0"))
    await keep(store, lambda unit: unit.keep_inventory(inventory(deployment("a", "2.0.0"), installed), LATER))

    before, ever, now = [
        await store.run(lambda unit, span=span: unit.ran(*span))  # type: ignore[misc] # the default binds the loop variable
        for span in ((None, NOW), (None, None), (TOMORROW, None))
    ]

    assert {purl.version for purl in before} == {"1.0.0", None}
    assert {purl.version for purl in ever} == {"1.0.0", None, "2.0.0", "3.0.0"}
    assert {purl.version for purl in now} == {"2.0.0", "3.0.0"}
