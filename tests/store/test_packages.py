from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.provenance import Form, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing, Release, Standing
from monitor.ports.sources import Validator
from monitor.ports.store import PackageState
from monitor.store.database import Database
from tests.databases import NOW
from tests.store import nouns
from tests.store.keeping import keep

PACKAGE = Purl.npm("@scope/server")
OTHER = Purl.npm("other")


def release(version: str, *, package: Purl = PACKAGE) -> Release:
    return Release(package.at(version), NOW, ())


def listing(*versions: str, package: Purl = PACKAGE) -> Listing:
    return Listing(package, tuple(release(version, package=package) for version in versions))


def known(*versions: str, package: Purl = PACKAGE) -> list[KnownRelease]:
    return [KnownRelease(release(version, package=package), NOW, baseline=True) for version in versions]


def validator(address: str, etag: str) -> Validator:
    return Validator(address, etag, "")


def claim_about(version: str, verdict: Verdict, *, filename: str = "a.tgz") -> Verification:
    return Verification(PACKAGE.at(version), filename, Form.NPM_ATTESTATIONS, verdict, "reason", "A sentence.")


async def state(store: Database, package: Purl = PACKAGE, source: str = "npm") -> PackageState:
    return (await store.run(lambda unit: unit.packages(source, [package])))[package]


async def test_a_package_that_was_never_looked_at_has_an_empty_state(store: Database) -> None:
    assert await state(store) == PackageState(None, {})


async def test_a_listing_is_kept_with_its_releases_and_beside_those_of_others(store: Database) -> None:
    await keep(
        store,
        lambda unit: unit.keep_listing("npm", listing("1.0.0", "1.1.0"), known("1.0.0", "1.1.0"), []),
        lambda unit: unit.keep_listing("npm", listing("2.0.0", package=OTHER), known("2.0.0", package=OTHER), []),
    )

    states = await store.run(lambda unit: unit.packages("npm", [PACKAGE, OTHER]))

    assert set(states[PACKAGE].known) == {"1.0.0", "1.1.0"}
    assert states[OTHER] == PackageState(
        listing("2.0.0", package=OTHER), {each.release.version: each for each in known("2.0.0", package=OTHER)}
    )


async def test_two_sources_of_one_package_do_not_mix(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_listing("npm", listing("1.0.0"), known("1.0.0"), []))

    assert await state(store, source="github") == PackageState(None, {})


async def test_a_listing_and_the_first_sight_of_the_given_releases_are_replaced_and_of_others_not(
    store: Database,
) -> None:
    await keep(store, lambda unit: unit.keep_listing("npm", listing("1.0.0", "1.1.0"), known("1.0.0", "1.1.0"), []))
    yanked = replace(release("1.0.0"), yanked="bad")
    later = KnownRelease(yanked, NOW + timedelta(days=1), baseline=False)
    now = Listing(PACKAGE, (yanked,), Standing.DEPRECATED)

    await keep(store, lambda unit: unit.keep_listing("npm", now, [later, *known("1.2.0")], []))

    kept = await state(store)
    assert kept.listing == now
    assert kept.known == {"1.0.0": later} | {each.release.version: each for each in known("1.1.0", "1.2.0")}


async def test_a_release_that_is_gone_stays_known(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_listing("npm", listing("1.0.0"), known("1.0.0"), []))

    await keep(store, lambda unit: unit.keep_listing("npm", Listing(PACKAGE, (), Standing.MISSING), [], []))

    assert set((await state(store)).known) == {"1.0.0"}


async def test_validators_replace_the_old_ones_of_their_package_and_source(store: Database) -> None:
    old, new, others = validator("a", '"1"'), validator("a", '"2"'), validator("a", '"3"')
    await keep(
        store,
        lambda unit: unit.keep_listing("npm", listing(), [], [old, validator("gone", '"1"')]),
        lambda unit: unit.keep_listing("npm", listing(package=OTHER), [], [others]),
    )

    await keep(store, lambda unit: unit.keep_listing("npm", listing(), [], [new, validator("b", "")]))

    kept = await store.run(lambda unit: unit.validators("npm", [PACKAGE, OTHER]))
    assert kept == {PACKAGE: {"a": new, "b": validator("b", "")}, OTHER: {"a": others}}
    assert await store.run(lambda unit: unit.validators("github", [PACKAGE])) == {PACKAGE: {}}


async def test_claims_replace_those_of_their_version_only(store: Database) -> None:
    first, second = claim_about("1.0.0", Verdict.UNAVAILABLE), claim_about("2.0.0", Verdict.VERIFIED)
    other_file = claim_about("1.0.0", Verdict.UNATTESTED, filename="b.tgz")
    await keep(store, lambda unit: unit.keep_verifications([first, second, other_file], NOW))
    now = claim_about("1.0.0", Verdict.VERIFIED)

    await keep(store, lambda unit: unit.keep_verifications([now], NOW))

    kept = await store.run(lambda unit: unit.verifications([PACKAGE, OTHER]))
    assert kept == {PACKAGE.at("1.0.0"): (now,), PACKAGE.at("2.0.0"): (second,)}


async def test_a_batch_may_be_larger_than_a_statement_has_room_for(store: Database) -> None:
    packages = [Purl.npm(f"server-{number}") for number in range(70_000)]
    await keep(store, lambda unit: unit.keep_listing("npm", listing("1.0.0"), known("1.0.0"), []))

    states = await store.run(lambda unit: unit.packages("npm", [*packages, PACKAGE]))

    assert len(states) == 70_001
    assert states[PACKAGE].listing == listing("1.0.0")


@given(nouns.listings, st.lists(nouns.known_releases, max_size=3), st.lists(nouns.validators, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_source_said_is_kept_as_it_was(
    store: Database, said: Listing, first_seen: list[KnownRelease], validators: list[Validator]
) -> None:
    before = await state(store, said.package, "any")

    await keep(store, lambda unit: unit.keep_listing("any", said, first_seen, validators))

    after = await state(store, said.package, "any")
    by_version = {each.release.version: each for each in first_seen}
    assert after.listing == said
    assert after.known == {**before.known, **by_version}
    kept = await store.run(lambda unit: unit.validators("any", [said.package]))
    assert kept == {said.package: {each.key: each for each in validators}}


@given(st.lists(nouns.verifications, max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_decided_is_kept_as_it_was(store: Database, decided: list[Verification]) -> None:
    await keep(store, lambda unit: unit.keep_verifications(decided, NOW))

    kept = await store.run(lambda unit: unit.verifications([each.purl.package for each in decided]))

    for purl in {each.purl for each in decided}:
        assert kept[purl] == tuple(each for each in decided if each.purl == purl)
