from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.deployment import Deployment, HostPolicy, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.store.database import Database
from tests.databases import NOW
from tests.store import nouns
from tests.store.keeping import LATER, keep

YESTERDAY = NOW - timedelta(days=1)


def report(host: str, at: datetime = NOW) -> HostReport:
    return HostReport(host, at, (HostPolicy("claude-code", "/etc/claude-code/managed-settings.json", "ab" * 32, at),))


def inventory(*reports: HostReport, source: str = "laptops", complete: bool = True) -> Inventory:
    deployments = tuple(
        Deployment(each.host, "vscode", "mcp.json", "server", PinKind.EXACT, Purl.npm("server", "1.0.0"))
        for each in reports
    )
    return Inventory(source, deployments, (), complete, reports=reports)


async def heard(store: Database) -> list[tuple[str, HostReport]]:
    return await store.run(lambda unit: unit.hosts())


async def test_each_report_of_a_host_replaces_its_last(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a"), report("b")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a", LATER), report("b")), LATER))

    assert await heard(store) == [("laptops", report("a", LATER)), ("laptops", report("b"))]


async def test_an_older_report_that_arrives_late_replaces_nothing(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a", YESTERDAY)), LATER))

    assert await heard(store) == [("laptops", report("a"))]


async def test_two_reports_of_one_host_in_one_inventory_leave_the_newest(store: Database) -> None:
    both = inventory(report("a", LATER), report("a", NOW))

    await keep(store, lambda unit: unit.keep_inventory(both, LATER))

    assert await heard(store) == [("laptops", report("a", LATER))]


async def test_a_host_of_which_there_is_no_report_any_more_keeps_its_last(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a"), report("b")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a", LATER)), LATER))

    assert [each.host for _, each in await heard(store)] == ["a", "b"]


async def test_a_host_is_forgotten_with_what_ran_there_and_the_others_are_not(store: Database) -> None:
    part = inventory(report("a", YESTERDAY), report("b"), complete=False)
    await keep(store, lambda unit: unit.keep_inventory(part, NOW))

    await keep(store, lambda unit: unit.forget_hosts(NOW, LATER))

    deployed = await store.run(lambda unit: unit.deployments())
    assert [each.host for _, each in await heard(store)] == ["b"]
    assert [each.host for each, _ in deployed] == ["b"]


async def test_the_hosts_of_an_inventory_that_is_configured_no_more_are_forgotten(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a")), NOW))
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("b"), source="cluster"), NOW))

    await keep(store, lambda unit: unit.forget_inventories(["cluster"], LATER))

    assert [source for source, _ in await heard(store)] == ["cluster"]


async def test_what_ran_at_a_time_is_told_as_it_was_then(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a"), report("b")), NOW))
    emptied = replace(inventory(report("b")), reports=(report("a", LATER), report("b")))
    await keep(store, lambda unit: unit.keep_inventory(emptied, LATER))

    times = (YESTERDAY, NOW, LATER)
    known = await store.run(lambda unit: [unit.stays_at(at) for at in times])

    assert [[stay.deployment.host for stay in stays] for stays in known] == [[], ["a", "b"], ["b"]]


async def test_the_deployments_of_packages_come_with_what_is_no_package(store: Database) -> None:
    server, other = inventory(report("a")).deployments[0], Purl.npm("other", "1.0.0")
    seen = (server, replace(server, name="other", purl=other), replace(server, name="remote", purl=None))
    await keep(store, lambda unit: unit.keep_inventory(Inventory("laptops", seen, (), complete=True), NOW))

    found = await store.run(lambda unit: unit.deployments([Purl.npm("server")]))

    assert {each.name for each, _ in found} == {"server", "remote"}


@given(st.lists(nouns.reports, max_size=4), nouns.words)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_host_reports_is_kept_as_it_was(store: Database, given: list[HostReport], source: str) -> None:
    newest = {each.host: each for each in sorted(given, key=lambda each: each.reported_at)}
    read = Inventory(source, (), (), complete=True, reports=tuple(given))

    await keep(store, lambda unit: unit.forget_inventories([], NOW), lambda unit: unit.keep_inventory(read, NOW))

    kept = {each.host: each for _, each in await heard(store)}
    assert kept == newest


async def places(store: Database) -> list[str]:
    return [each.host for each, _ in await store.run(lambda unit: unit.deployments())]


async def test_what_ran_on_a_host_whose_report_was_taken_away_is_still_taken_for_what_runs(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a"), report("b")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a", LATER)), LATER))

    assert await places(store) == ["a", "b"]


async def test_one_host_is_forgotten_at_once_with_what_ran_there(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("a"), report("b")), NOW))

    await keep(store, lambda unit: unit.forget_host("a", LATER))
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("b", LATER)), LATER))

    assert [host.host for _, host in await heard(store)] == ["b"]
    assert await places(store) == ["b"]


async def test_what_a_host_reports_was_seen_when_it_reported_however_often_that_is_read(store: Database) -> None:
    for at in (NOW, LATER):
        await keep(store, lambda unit, at=at: unit.keep_inventory(inventory(report("a", YESTERDAY)), at))  # type: ignore[misc]  # a default

    seen = await store.run(lambda unit: unit.deployments())
    stays = await store.run(lambda unit: unit.stays([Purl.npm("server")]))

    assert [at for _, at in seen] == [YESTERDAY]
    assert [stay.seen_at for stay in stays] == [YESTERDAY]


async def test_a_host_whose_name_is_written_in_other_capitals_is_no_other_host(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_inventory(inventory(report("Laptop")), NOW))

    await keep(store, lambda unit: unit.keep_inventory(inventory(report("laptop", LATER)), LATER))

    assert await places(store) == ["laptop"]
