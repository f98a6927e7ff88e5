from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.advisory import Named
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.risk import Exploited, Risk, RiskTable
from monitor.ports.sources import Validator
from monitor.store.database import Database
from tests.databases import NOW
from tests.store import nouns
from tests.store.keeping import LATER, keep

SERVER = Purl.npm("server", "1.0.0")
QS = Dependency(Purl.npm("qs", "6.10.0"), ("express", "qs"))
KEV = RiskTable("kev", NOW, {"CVE-2026-1": Exploited(NOW.date(), ransomware=True)})
EPSS = RiskTable("epss", NOW, epss={"CVE-2026-1": 0.5, "CVE-2026-2": 0.01})
VALIDATOR = Validator("https://risks.example/kev.json", '"1"', "")


async def test_a_match_keeps_its_row_through_its_life(store: Database) -> None:
    named = Named(SERVER, "osv", "GHSA-1", NOW)
    await keep(store, lambda unit: unit.keep_matches([named, replace(named, id="GHSA-2", since=LATER)]))
    over = replace(named, gone_at=LATER, note="withdrawn")

    await keep(store, lambda unit: unit.keep_matches([over]))

    kept = await store.run(lambda unit: unit.matches([SERVER]))
    assert kept == {SERVER: (over, replace(named, id="GHSA-2", since=LATER))}
    assert await store.run(lambda unit: unit.matches()) == kept
    assert await store.run(lambda unit: unit.matches([SERVER.package.at("2.0.0")])) == {}


async def test_one_record_of_two_databases_is_two_matches(store: Database) -> None:
    mine = Named(SERVER, "osv", "GHSA-1", NOW)

    await keep(store, lambda unit: unit.keep_matches([mine, replace(mine, database="github")]))

    kept = await store.run(lambda unit: unit.matches([SERVER]))
    assert {named.database for named in kept[SERVER]} == {"osv", "github"}


async def test_what_a_version_brought_along_before_is_kept_as_it_was(store: Database) -> None:
    before = Dependencies(SERVER, "package-lock.json", whole=True, found=(QS,), stamp="1")
    after = replace(before, found=(), stamp="2")
    await keep(store, lambda unit: unit.keep_dependencies([before], NOW))

    await keep(store, lambda unit: unit.keep_dependencies([after], LATER))

    history = await store.run(lambda unit: unit.dependency_history())
    assert await store.run(lambda unit: unit.dependencies([SERVER])) == {SERVER: after}
    assert [(each.dependencies, each.since, each.gone_at) for each in history] == [
        (before, NOW, LATER),
        (after, LATER, None),
    ]


async def test_what_is_known_of_a_flaw_comes_from_all_lists(store: Database) -> None:
    await keep(
        store,
        lambda unit: unit.keep_risks(KEV, [VALIDATOR]),
        lambda unit: unit.keep_risks(EPSS, []),
    )

    found = await store.run(lambda unit: unit.risks(["CVE-2026-1", "CVE-2026-2", "CVE-2026-3"], {"kev", "epss"}))

    assert found == {
        "CVE-2026-1": Risk(Exploited(NOW.date(), ransomware=True), 0.5),
        "CVE-2026-2": Risk(None, 0.01),
    }
    assert await store.run(lambda unit: unit.risks(["CVE-2026-1"], {"epss"})) == {"CVE-2026-1": Risk(None, 0.5)}
    assert await store.run(lambda unit: [unit.risk_size(name) for name in ("kev", "epss", "x")]) == [1, 2, 0]
    lists = await store.run(lambda unit: unit.risk_lists())
    assert lists == {"epss": (NOW, {}), "kev": (NOW, {VALIDATOR.key: VALIDATOR})}


async def test_a_list_replaces_the_one_that_its_source_gave_before(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_risks(EPSS, []))

    await keep(store, lambda unit: unit.keep_risks(replace(EPSS, as_of=LATER, epss={"CVE-2026-2": 0.9}), []))

    assert await store.run(lambda unit: unit.risks(["CVE-2026-1", "CVE-2026-2"], {"epss"})) == {
        "CVE-2026-2": Risk(None, 0.9)
    }


async def test_a_list_of_a_source_that_is_no_more_is_forgotten(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_risks(KEV, []), lambda unit: unit.keep_risks(EPSS, []))
    forgotten: list[str] = []

    await keep(store, lambda unit: forgotten.extend(unit.forget_risks({"epss"})))

    assert forgotten == ["kev"]
    assert list(await store.run(lambda unit: unit.risk_lists())) == ["epss"]


async def test_whoever_ran_a_package_is_found_long_after_it_is_gone(store: Database) -> None:
    ran = Deployment("laptop-7", "cursor", "mcp.json", "files", PinKind.EXACT, SERVER)
    other = replace(ran, host="laptop-8", purl=Purl.pypi("other", "1.0"))
    await keep(store, lambda unit: unit.keep_inventory(Inventory("file", (ran, other), (), complete=True), NOW))
    await keep(store, lambda unit: unit.keep_inventory(Inventory("file", (other,), (), complete=True), LATER))

    (stay,) = await store.run(lambda unit: unit.stays([SERVER.package]))

    assert (stay.deployment, stay.since, stay.gone_at) == (ran, NOW, LATER)
    assert await store.run(lambda unit: unit.inventories_since()) == NOW


@given(
    st.lists(nouns.named, max_size=3, unique_by=lambda each: (each.purl, each.key)),
    st.lists(nouns.dependencies, max_size=2, unique_by=lambda each: each.of),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_said_is_kept_as_it_was(
    store: Database, named: list[Named], brought: list[Dependencies]
) -> None:
    await keep(store, lambda unit: unit.keep_matches(named), lambda unit: unit.keep_dependencies(brought, NOW))

    for match in named:
        kept = await store.run(lambda unit, of=match.purl: unit.matches([of]))  # type: ignore[misc] # the default binds the loop variable
        assert match in kept[match.purl]
    for each in brought:
        assert (await store.run(lambda unit, of=each.of: unit.dependencies([of])))[each.of] == each  # type: ignore[misc] # as above
