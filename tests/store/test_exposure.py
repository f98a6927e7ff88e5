from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.advisory import Named
from monitor.domain.dependency import Dependencies, Dependency, Resolved
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

    (history,) = await store.run(lambda unit: unit.dependency_history([QS.purl.package]))
    assert await store.run(lambda unit: unit.dependencies([SERVER])) == {SERVER: after}
    assert history == Resolved(before, NOW, LATER)


async def test_only_what_may_bring_a_package_along_is_read(store: Database) -> None:
    brings = Dependencies(SERVER, "package-lock.json", whole=True, found=(QS,))
    more = replace(brings, found=(QS, Dependency(Purl.npm("express", "4.18.0"), ("express",))))
    another = replace(brings, of=Purl.npm("other", "1.0.0"), found=(Dependency(Purl.npm("qsx", "6.10.0"), ("qsx",)),))
    perhaps = replace(another, of=Purl.npm("perhaps", "1.0.0"), whole=False, unresolved=("qs ^6",))
    await keep(store, lambda unit: unit.keep_dependencies([more, another, perhaps], NOW))

    found = await store.run(lambda unit: unit.dependency_history([QS.purl.package]))

    assert {each.dependencies for each in found} == {brings, replace(perhaps, found=())}


async def test_a_question_about_thousands_of_packages_is_answered(store: Database) -> None:
    brings = Dependencies(SERVER, "package-lock.json", whole=True, found=(QS,))
    await keep(store, lambda unit: unit.keep_dependencies([brings], NOW))
    many = [QS.purl.package, *(Purl.npm(f"package-{number}") for number in range(3000))]

    found = await store.run(lambda unit: unit.dependency_history(many))

    assert [each.dependencies for each in found] == [brings]


@pytest.mark.parametrize("name", ["a_b", "a%b", "A.b", "@x/a_b"])
async def test_a_package_is_found_whatever_is_in_its_name(store: Database, name: str) -> None:
    brings = Dependencies(SERVER, "sbom", whole=True, found=(Dependency(Purl.npm(name, "1.0.0"), (name,)),))
    await keep(store, lambda unit: unit.keep_dependencies([brings], NOW))

    found = await store.run(lambda unit: unit.dependency_history([Purl.npm(name)]))

    assert [each.dependencies for each in found] == [brings]


async def test_a_state_that_replaces_one_that_was_whole_corrects_it(store: Database) -> None:
    declared = Dependencies(SERVER, "npm registry", whole=False, found=(QS,))
    for number, state in enumerate((declared, replace(declared, whole=True), replace(declared, stamp="2"))):
        at = NOW + timedelta(hours=number)
        await keep(store, lambda unit, of=state, at=at: unit.keep_dependencies([of], at))  # type: ignore[misc] # the default binds the loop variable

    found = await store.run(lambda unit: unit.dependency_history([QS.purl.package]))

    assert [each.corrects for each in found] == [False, False, True]


async def test_of_which_versions_everything_is_known_is_told(store: Database) -> None:
    whole = Dependencies(SERVER, "package-lock.json", whole=True, found=(QS,))
    part, nothing, silent = (SERVER.at(version) for version in ("2.0.0", "3.0.0", "4.0.0"))
    states = [
        whole,
        replace(whole, of=part, whole=False),
        replace(whole, of=nothing, whole=False, found=()),
        replace(whole, of=silent, whole=False, found=(), said=False),
    ]
    await keep(store, lambda unit: unit.keep_dependencies(states, NOW))

    known = await store.run(lambda unit: unit.known_whole([SERVER, part, nothing, silent, SERVER.at("5.0.0")]))

    assert known == {SERVER, nothing}


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
