"""GitHub's malware advisories: one question for many versions, and what each record says of each of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import unquote

import pytest

from connectors import github_advisories
from connectors.github_advisories import MAX_KEPT, MAX_PAGES, MAX_QUESTION, MAX_REQUESTS
from monitor.domain.advisory import GITHUB, Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import AdvisorySource, Fresh
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, make_edge, ok
from tests.world import Fault, Kind, World
from tests.world.github_advisories import Flawed

BAD = "GHSA-bad0-bad0-bad0"
WORSE = "GHSA-w0rs-w0rs-w0rs"
FILES = Purl.npm("@acme/files", "1.0.0")
FETCH = Purl.pypi("acme-fetch", "2.0")

Answers = dict[Purl, tuple[AdvisoryRef, ...] | Unknown]


async def ask(api: str, *versions: Purl, token: str | None = None) -> Answers:
    edge = make_edge()
    async with edge.http.session():
        source = github_advisories.build(edge.http, api=api, token=token)
        return dict(await source.match([Question(version) for version in versions]))


async def fetch(api: str, advisory_id: str) -> Fresh[Advisory]:
    edge = make_edge()
    async with edge.http.session():
        source = github_advisories.build(edge.http, api=api, token=None)
        return await source.advisory(AdvisoryRef(advisory_id, edge.http.clock(), GITHUB))


def ids(answers: Answers) -> list[list[str] | Reason]:
    return [found.reason if isinstance(found, Unknown) else [ref.id for ref in found] for found in answers.values()]


def affects(world: World) -> list[Sequence[str]]:
    """Which packages each question was about."""
    queries = (asked.query for asked in world.asked("github", "/advisories?"))
    return [unquote(query.partition("affects=")[2].partition("&")[0]).split(",") for query in queries]


# --- questions


async def test_one_question_an_ecosystem_tells_which_record_names_which_version(world: World) -> None:
    world.github.advisories.malware(BAD, FILES.package, "= 1.0.1")
    world.github.advisories.malware(WORSE, FETCH.package)

    answers = await ask(world.url("github"), FILES, FILES.at("1.0.1"), FETCH, Purl.npm("clean", "1.0.0"))

    assert ids(answers) == [[], [BAD], [WORSE], []]
    assert affects(world) == [["@acme/files@1.0.0", "@acme/files@1.0.1", "clean@1.0.0"], ["acme-fetch@2.0"]]


async def test_malware_is_asked_for_by_githubs_own_word_for_the_ecosystem(world: World) -> None:
    await ask(world.url("github"), FILES, FETCH)

    queries = [asked.query for asked in world.asked("github")]
    assert ["ecosystem=npm" in query or "ecosystem=pip&" in query for query in queries] == [True, True]
    assert ["type=malware" in query for query in queries] == [True, True]


async def test_a_flaw_that_is_no_malware_is_left_to_others(world: World) -> None:
    world.github.advisories.publish(BAD, Flawed(FILES.package))

    assert ids(await ask(world.url("github"), FILES)) == [[]]


async def test_what_the_source_does_not_cover_is_unknown_and_not_asked(world: World) -> None:
    versions = (
        Purl.github("acme/files", "v1"),
        Purl("oci", None, "image", "1"),
        FILES.package,
        Purl.npm("a,b", "1.0.0"),
    )

    answers = await ask(world.url("github"), *versions)

    assert ids(answers) == [Reason.NOT_COVERED] * 4
    assert world.asked("github") == []


@pytest.mark.parametrize("version", ["1.0.0,lodash@4.0.0", "1.0.0&type=reviewed", "1 0", "é"])
async def test_a_version_that_could_be_read_otherwise_is_asked_about_by_its_package(world: World, version: str) -> None:
    world.github.advisories.malware(BAD, FILES.package)
    world.github.advisories.malware(WORSE, Purl.npm("lodash"))

    answers = await ask(world.url("github"), FILES.at(version))

    assert ids(answers) == [[BAD]]
    assert affects(world) == [["@acme/files"]]


async def test_many_versions_are_asked_about_in_questions_that_fit_into_an_address(world: World) -> None:
    versions = [Purl.npm(f"@acme/package-{number}", "1.0.0") for number in range(300)]
    world.github.advisories.malware(BAD, versions[0].package)
    world.github.advisories.malware(WORSE, versions[299].package)

    answers = await ask(world.url("github"), *versions)

    assert [purl for purl, found in answers.items() if found != ()] == [versions[0], versions[299]]
    assert len(affects(world)) == 3
    assert max(len(asked.query) for asked in world.asked("github")) < MAX_QUESTION + 100


async def test_a_version_that_cannot_be_compared_is_named_and_not_clean(world: World) -> None:
    world.github.advisories.malware(BAD, FILES.package, "= 2.0.0")
    world.github.advisories.malware(WORSE, FETCH.package, "the one of Tuesday")

    answers = await ask(world.url("github"), FILES.at("nightly"), FETCH)

    assert ids(answers) == [[BAD], [WORSE]]


async def test_where_the_source_and_we_read_a_record_differently_its_word_stands(loopback: Loopback) -> None:
    record = (
        b'[{"ghsa_id": "GHSA-1111-2222-3333", "updated_at": "2026-11-02T00:00:00Z", "vulnerabilities": '
        b'[{"package": {"ecosystem": "npm", "name": "@Acme/files"}, "vulnerable_version_range": "= 3.0.0"}]}]'
    )
    server = Server({"*": [ok(record)]})

    answers = await ask(loopback(server.app), FILES, Purl.npm("clean", "1.0.0"))

    assert ids(answers) == [["GHSA-1111-2222-3333"], []]


async def test_a_withdrawn_record_names_nothing_and_is_still_served(world: World) -> None:
    world.github.advisories.malware(BAD, FILES.package)
    world.github.advisories.withdraw(BAD)

    answers = await ask(world.url("github"), FILES)
    record = (await fetch(world.url("github"), BAD)).value

    assert ids(answers) == [[]]
    assert (record.malware, record.withdrawn_at) == (True, world.clock())


async def test_pages_are_followed_to_the_end(world: World) -> None:
    world.github.advisories.page_size = 2
    names = [f"GHSA-1111-2222-{number:04}" for number in range(5)]
    for name in names:
        world.github.advisories.malware(name, FILES.package)

    answers = await ask(world.url("github"), FILES)

    assert ids(answers) == [names]
    assert len(world.asked("github")) == 3


async def test_an_answer_without_end_is_not_an_answer(world: World) -> None:
    world.github.advisories.page_size = 1
    for number in range(MAX_PAGES + 1):
        world.github.advisories.malware(f"GHSA-1111-2222-{number:04}", FILES.package)

    assert ids(await ask(world.url("github"), FILES)) == [Reason.MALFORMED]
    assert len(world.asked("github")) == MAX_PAGES


async def test_a_next_page_that_is_elsewhere_is_not_followed(loopback: Loopback) -> None:
    server = Server({"*": [ok(b"[]", Link='<https://elsewhere.example/a>; rel="next"')]})

    assert ids(await ask(loopback(server.app), FILES)) == [Reason.MALFORMED]


async def test_the_ref_is_as_new_as_the_record_and_of_this_database(world: World) -> None:
    world.github.advisories.malware(BAD, FILES.package)
    world.clock.advance(hours=1)
    world.github.advisories.change(BAD, severity="critical")

    answers = await ask(world.url("github"), FILES)
    fresh = await fetch(world.url("github"), BAD)

    assert answers[FILES] == (AdvisoryRef(BAD, world.clock(), GITHUB),)
    assert (fresh.value.modified_at, fresh.value.database) == (world.clock(), GITHUB)
    assert BAD.encode() in fresh.evidence[0].body


# --- refusals


async def test_one_package_that_is_refused_costs_only_itself(world: World) -> None:
    versions = [Purl.npm(f"package-{number}", "1.0.0") for number in range(50)]
    world.github.advisories.malware(BAD, versions[49].package)
    world.github.advisories.refused.add("package-17")

    answers = await ask(world.url("github"), *versions)

    assert [purl for purl, found in answers.items() if isinstance(found, Unknown)] == [versions[17]]
    assert ids({versions[49]: answers[versions[49]]}) == [[BAD]]
    assert len(world.asked("github")) <= 15


async def test_a_source_that_refuses_everything_is_not_asked_for_ever(world: World) -> None:
    world.break_("github", Fault(Kind.STATUS, status=422))
    versions = [Purl.npm(f"package-{number}", "1.0.0") for number in range(100)]

    answers = await ask(world.url("github"), *versions)

    assert set(ids(answers)[:1]) == {Reason.MALFORMED}
    assert [found for found in answers.values() if not isinstance(found, Unknown)] == []
    assert len(world.asked("github")) == MAX_REQUESTS


UNREADABLE = b'[{"ghsa_id": "GHSA-1111-2222-3333"}]'
STRANGER = (
    b'[{"ghsa_id": "GHSA-1111-2222-3333", "updated_at": "2026-11-02T00:00:00Z", "vulnerabilities": '
    b'[{"package": {"ecosystem": "npm", "name": "somebody-else"}, "vulnerable_version_range": ">= 0"}]}]'
)


@pytest.mark.parametrize("body", [UNREADABLE, STRANGER, b"{}", b"<html>", b"null"])
async def test_an_answer_that_cannot_be_laid_to_a_version_clears_none(loopback: Loopback, body: bytes) -> None:
    answers = await ask(loopback(Server({"*": [ok(body)]}).app), FILES, Purl.npm("other", "1.0.0"))

    assert ids(answers) == [Reason.MALFORMED] * 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(Kind.OUTAGE), Reason.UNAVAILABLE),
        (Fault(Kind.RESET), Reason.UNAVAILABLE),
        (Fault(Kind.STATUS, status=401), Reason.DENIED),
        (Fault(Kind.RATE_LIMIT, seconds=3600), Reason.DENIED),
        (Fault(Kind.GARBAGE), Reason.MALFORMED),
        (Fault(Kind.HTML), Reason.MALFORMED),
        (Fault(Kind.STATUS, status=404), Reason.MALFORMED),
    ],
)
async def test_an_outage_is_not_an_all_clear(world: World, fault: Fault, reason: Reason) -> None:
    world.break_("github", fault)

    assert ids(await ask(world.url("github"), FILES, FETCH)) == [reason] * 2


async def test_an_outage_of_one_ecosystem_costs_the_other_nothing(world: World) -> None:
    world.github.advisories.malware(BAD, FETCH.package)
    world.break_("github", Fault(Kind.OUTAGE, only="ecosystem=npm"))

    assert ids(await ask(world.url("github"), FILES, FETCH)) == [Reason.UNAVAILABLE, [BAD]]


# --- records


async def test_a_record_that_is_not_there_is_a_fact(world: World) -> None:
    with pytest.raises(NotFound):
        await fetch(world.url("github"), BAD)


@pytest.mark.parametrize("advisory_id", ["..", "GHSA-none", "x" * 5000])
async def test_an_id_that_leads_nowhere_is_an_error_of_its_own(world: World, advisory_id: str) -> None:
    with pytest.raises((NotFound, Malformed)):
        await fetch(world.url("github"), advisory_id)


async def test_a_record_that_answers_for_another_is_malformed(loopback: Loopback) -> None:
    server = Server({"*": [ok(STRANGER[1:-1])]})

    with pytest.raises(Malformed, match="answered with GHSA-1111-2222-3333"):
        await fetch(loopback(server.app), BAD)


async def test_an_outage_of_the_details_is_an_error(world: World) -> None:
    world.break_("github", Fault(Kind.OUTAGE))

    with pytest.raises(SourceError) as caught:
        await fetch(world.url("github"), BAD)

    assert isinstance(caught.value, Unavailable)


async def test_the_token_goes_to_the_api(world: World) -> None:
    await ask(world.url("github"), FILES, token="secret")

    assert [asked.headers["authorization"] for asked in world.asked("github")] == ["Bearer secret"]


# --- records that a match has read


@asynccontextmanager
async def asked_about_files(world: World) -> AsyncIterator[tuple[AdvisorySource, AdvisoryRef]]:
    """A source that was asked about a version, and which record names that."""
    world.github.advisories.malware(BAD, FILES.package)
    edge = make_edge()
    async with edge.http.session():
        source = github_advisories.build(edge.http, api=world.url("github"), token=None)
        (named,) = (await source.match([Question(FILES)])).values()
        assert not isinstance(named, Unknown)
        yield source, named[0]


async def test_a_record_that_the_match_has_read_is_not_fetched_again(world: World) -> None:
    async with asked_about_files(world) as (source, ref):
        fresh = await source.advisory(ref)

    (page,) = fresh.evidence
    assert len(world.asked("github")) == 1
    assert (fresh.value.id, fresh.value.modified_at, fresh.value.malware) == (BAD, ref.modified_at, True)
    assert page.url.startswith(world.url("github") + "/advisories?")
    assert BAD.encode() in page.body


async def test_a_record_in_another_state_than_the_match_read_is_fetched(world: World) -> None:
    async with asked_about_files(world) as (source, ref):
        world.clock.advance(hours=1)
        world.github.advisories.change(BAD, severity="low")

        fresh = await source.advisory(replace(ref, modified_at=world.clock()))

    assert fresh.value.modified_at == world.clock()
    assert len(world.asked("github")) == 2


async def test_what_an_earlier_match_has_read_is_fetched_again(world: World) -> None:
    async with asked_about_files(world) as (source, ref):
        await source.match([Question(Purl.npm("clean", "1.0.0"))])
        world.github.advisories.withdraw(BAD)

        fresh = await source.advisory(ref)

    assert fresh.value.withdrawn_at == world.clock()


async def test_records_of_a_large_answer_are_fetched_again(loopback: Loopback) -> None:
    record = STRANGER[1:-1].replace(b"somebody-else", b"@acme/files")
    server = Server({"*": [ok(b"[" + record + b" " * MAX_KEPT + b"]"), ok(record)]})
    edge = make_edge()
    async with edge.http.session():
        source = github_advisories.build(edge.http, api=loopback(server.app), token=None)
        (named,) = (await source.match([Question(FILES)])).values()
        assert not isinstance(named, Unknown)

        fresh = await source.advisory(named[0])

    assert fresh.evidence[0].body == record
    assert len(server.requests) == 2
