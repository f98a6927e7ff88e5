from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.advisory import Advisory
from monitor.domain.finding import Finding, Severity, Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.purl import Purl
from monitor.domain.review import Happening, Review, State, advance
from monitor.domain.server import Pin
from monitor.store.database import Database
from tests.databases import NOW
from tests.store import nouns
from tests.store.keeping import LATER, keep

ADVISORY = Advisory("OSV-2026-1", (), "A flaw.", (), Severity.HIGH, 7.5, NOW)


def finding(subject: str, *, server: str = "io.github.example/a", minutes: int = 0) -> Tracked:
    opened = NOW + timedelta(minutes=minutes)
    return Tracked.new(Finding("new-release", server, subject, Severity.MEDIUM, "A release appeared."), opened)


def review(version: str, *, server: str = "io.github.example/a", minutes: int = 0) -> Review:
    return Review(server, Pin(Purl.npm("server", version)), State.DETECTED, NOW + timedelta(minutes=minutes))


async def test_a_newer_state_of_an_advisory_replaces_the_older_and_never_the_other_way(store: Database) -> None:
    newer = replace(ADVISORY, summary="Worse.", modified_at=LATER)
    await keep(store, lambda unit: unit.keep_advisories([ADVISORY, newer]))

    await keep(store, lambda unit: unit.keep_advisories([ADVISORY]))

    kept = await store.run(lambda unit: unit.advisories({ADVISORY.key, ("osv", "OSV-2026-2")}))
    assert kept == {ADVISORY.key: newer}


async def test_findings_come_in_order_of_opening(store: Database) -> None:
    second, first = finding("a", minutes=1), finding("b", server="io.github.example/b")
    await keep(store, lambda unit: unit.keep_findings([second, first]))

    assert await store.run(lambda unit: unit.findings()) == [first, second]
    assert await store.run(lambda unit: unit.findings(["io.github.example/b"])) == [first]
    assert await store.run(lambda unit: unit.findings([])) == []


async def test_the_findings_of_some_rules_are_read_alone(store: Database) -> None:
    here = finding("a")
    there = replace(here, finding=replace(here.finding, rule="shadow-server"))
    await keep(store, lambda unit: unit.keep_findings([here, there]))

    assert await store.run(lambda unit: unit.findings(rules=["shadow-server"])) == [there]


async def test_a_finding_keeps_its_row_through_its_life(store: Database) -> None:
    opened = finding("a")
    await keep(store, lambda unit: unit.keep_findings([opened]))
    resolved = replace(opened, resolved_at=LATER, alerted_at=NOW, told="ticket", occurrences=2)

    await keep(store, lambda unit: unit.keep_findings([resolved]))

    assert await store.run(lambda unit: unit.findings()) == [resolved]


async def test_reviews_come_in_order_of_opening_and_keep_their_row(store: Database) -> None:
    first, second = review("1.0.0"), review("1.1.0", minutes=1)
    await keep(store, lambda unit: unit.keep_reviews([second, first]))
    ticketed = replace(advance(second, Happening.TICKET_OPENED), ticket="SEC-1")

    await keep(store, lambda unit: unit.keep_reviews([ticketed]))

    assert await store.run(lambda unit: unit.reviews()) == [first, ticketed]
    assert await store.run(lambda unit: unit.reviews(["io.github.example/b"])) == []


async def test_the_health_of_a_source_is_replaced(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_health([SourceHealth("npm", None, NOW, "no answer")]))
    well = SourceHealth("npm", NOW, None, closed_until=LATER)

    await keep(store, lambda unit: unit.keep_health([well]))

    assert await store.run(lambda unit: unit.health()) == {"npm": well}


def once(noun: st.SearchStrategy[nouns.T], name: str) -> st.SearchStrategy[list[nouns.T]]:
    return st.lists(noun, max_size=3, unique_by=lambda each: getattr(each, name))


@given(
    once(nouns.advisories, "key"),
    st.lists(nouns.tracked, max_size=3),
    once(nouns.reviews, "fingerprint"),
    once(nouns.health, "source"),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_judged_is_kept_as_it_was(
    store: Database,
    advisories: list[Advisory],
    found: list[Tracked],
    reviews: list[Review],
    health: list[SourceHealth],
) -> None:
    findings = {tracked.finding.fingerprint: tracked for tracked in found}
    known = await store.run(lambda unit: unit.advisories({advisory.key for advisory in advisories}))

    await keep(
        store,
        lambda unit: unit.keep_advisories(advisories),
        lambda unit: unit.keep_findings(findings.values()),
        lambda unit: unit.keep_reviews(reviews),
        lambda unit: unit.keep_health(health),
    )

    kept = await store.run(lambda unit: unit.advisories({advisory.key for advisory in advisories}))
    assert kept == {
        each.key: known[each.key] if each.key in known and known[each.key].modified_at > each.modified_at else each
        for each in advisories
    }
    for tracked in findings.values():
        assert tracked in await store.run(lambda unit, of=tracked.finding.server: unit.findings([of]))  # type: ignore[misc] # the default binds the loop variable
    for each in reviews:
        assert each in await store.run(lambda unit, of=each.server: unit.reviews([of]))  # type: ignore[misc] # as above
    assert (await store.run(lambda unit: unit.health())).items() >= {each.source: each for each in health}.items()
