"""What repositories publish themselves: lists that are asked for conditionally, with ranges and packages as their authors wrote them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors import github_repository_advisories
from connectors.github_repository_advisories import MAX_PAGES
from monitor.domain.advisory import GITHUB_REPOSITORY, Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import is_affected
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import AdvisorySource
from tests.connectors.conftest import Loopback
from tests.connectors.servers import NOW, Server, make_edge, ok, refusal
from tests.world import Fault, Kind, World
from tests.world.github_advisories import Flawed

ID = "GHSA-1111-2222-3333"
OTHER = "GHSA-4444-5555-6666"
REPOSITORY = "acme/files-mcp"
PACKAGE = Purl.npm("@acme/files-mcp")
FILES = Question(PACKAGE.at("1.4.2"), Purl.github(REPOSITORY))
TAG = Question(Purl.github(REPOSITORY, "v1.4.2"))

Answer = list[str] | Reason


@asynccontextmanager
async def asking(api: str, token: str | None = None) -> AsyncIterator[AdvisorySource]:
    edge = make_edge()
    async with edge.http.session():
        yield github_repository_advisories.build(edge.http, api=api, token=token)


async def ask(source: AdvisorySource, *questions: Question) -> list[Answer]:
    answers = await source.match(questions)
    return [_ids(answers[question.purl]) for question in questions]


def _ids(found: tuple[AdvisoryRef, ...] | Unknown) -> Answer:
    return found.reason if isinstance(found, Unknown) else [ref.id for ref in found]


async def record(source: AdvisorySource, advisory_id: str = ID) -> Advisory:
    return (await source.advisory(AdvisoryRef(advisory_id, NOW, GITHUB_REPOSITORY))).value


@pytest.fixture
def published(world: World) -> World:
    """A world in which the repository has published one advisory that no database has."""
    world.github.release(REPOSITORY, "v1.4.2")
    flawed = Flawed(PACKAGE, "< 1.5.0", "1.5.0")
    world.github.advisories.publish(ID, flawed, repository=REPOSITORY, reviewed=False, cve="CVE-2026-1001")
    return world


# --- what is named


async def test_an_advisory_is_known_before_any_database_has_it(published: World) -> None:
    async with asking(published.url("github")) as source:
        found = await ask(source, FILES, Question(PACKAGE.at("1.5.0"), FILES.repository))
        read = await record(source)

    assert found == [[ID], []]
    assert (read.aliases, read.fixed_in(PACKAGE), read.database) == (("CVE-2026-1001",), ("1.5.0",), GITHUB_REPOSITORY)
    assert is_affected(read, FILES.purl) is True


async def test_a_repository_is_asked_once_for_all_that_comes_from_it(published: World) -> None:
    questions = [Question(PACKAGE.at(f"1.4.{patch}"), FILES.repository) for patch in range(20)]

    async with asking(published.url("github")) as source:
        found = await ask(source, *questions, TAG)

    assert found == [[ID]] * 21
    assert len(published.asked("github")) == 1


@pytest.mark.parametrize(
    "question",
    [
        Question(FILES.purl),
        Question(FILES.purl, Purl("gitlab", "acme", "files-mcp")),
        Question(FILES.purl, Purl("github", None, "files-mcp")),
        Question(FILES.purl, Purl.github("acme/files mcp")),
        Question(PACKAGE, FILES.repository),
        Question(Purl.github(REPOSITORY)),
    ],
)
async def test_what_names_no_repository_or_no_version_is_not_covered_and_not_asked(
    published: World, question: Question
) -> None:
    async with asking(published.url("github")) as source:
        found = await ask(source, question)

    assert found == [Reason.NOT_COVERED]
    assert published.asked("github") == []


async def test_a_repository_that_names_the_package_of_another_says_nothing_of_it(published: World) -> None:
    published.github.create("mallory/noise")
    published.github.advisories.publish(OTHER, Flawed(PACKAGE), repository="mallory/noise", reviewed=False)

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES)

    assert found == [[ID]]


@pytest.mark.parametrize(
    ("flawed", "of_package", "of_tag"),
    [
        (Flawed(PACKAGE, "< 1.4.0"), [], []),
        (Flawed(PACKAGE, "everything before the rewrite"), [OTHER], [OTHER]),
        (Flawed(PACKAGE, None), [OTHER], [OTHER]),
        (Flawed(Purl.npm("@acme/files-ui")), [], [OTHER]),
        (Flawed(Purl.npm("@acme/files-ui"), "< 1.0.0"), [], []),
        (Flawed(Purl("golang", None, "example.com/files"), "< 1.0.0", ecosystem="go"), [], [OTHER]),
        (Flawed(Purl.npm("files"), "< 9", ecosystem="other"), [OTHER], [OTHER]),
        (Flawed(None), [OTHER], [OTHER]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_compared_is_for_a_human_and_what_can_is_not(
    published: World, flawed: Flawed, of_package: list[str], of_tag: list[str]
) -> None:
    published.github.advisories.remove(ID)
    published.github.advisories.publish(OTHER, flawed, repository=REPOSITORY, reviewed=False)

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES, TAG)

    assert found == [of_package, of_tag]


@pytest.mark.parametrize("tag", ["files-v1.4.2", "2f5d6c0e8a1b4d7f9e3c2a1b0d9e8f7a6b5c4d3e", "main"])
async def test_a_tag_that_is_no_version_is_undecided_and_not_clean(published: World, tag: str) -> None:
    async with asking(published.url("github")) as source:
        found = await ask(source, Question(Purl.github(REPOSITORY, tag)))

    assert found == [[ID]]


async def test_a_version_that_two_repositories_are_named_for_is_asked_about_in_both(published: World) -> None:
    published.github.create("acme/mono")
    published.github.advisories.publish(OTHER, Flawed(PACKAGE), repository="acme/mono", reviewed=False)
    second, gone = Question(FILES.purl, Purl.github("acme/mono")), Question(FILES.purl, Purl.github("acme/gone"))

    async with asking(published.url("github")) as source:
        both = await ask(source, FILES, second, gone)
        published.break_("github", Fault(Kind.OUTAGE, only="acme/mono"))
        one = await ask(source, FILES, second, gone)

    assert both[0] == [ID, OTHER]
    assert one[0] is Reason.UNAVAILABLE


async def test_all_pages_of_a_list_are_read(published: World) -> None:
    published.github.advisories.page_size = 2
    names = [f"GHSA-7777-8888-{number:04}" for number in range(5)]
    for name in names:
        published.github.advisories.publish(name, Flawed(PACKAGE), repository=REPOSITORY, reviewed=False)

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES)
        again = await ask(source, FILES)

    assert found == again == [[ID, *names]]
    assert [asked.status for asked in published.asked("github")] == [200, 200, 200, 304, 304, 304]


async def test_a_list_without_end_is_not_a_list(published: World) -> None:
    published.github.advisories.page_size = 1
    for number in range(MAX_PAGES):
        name = f"GHSA-7777-8888-{number:04}"
        published.github.advisories.publish(name, Flawed(PACKAGE), repository=REPOSITORY, reviewed=False)

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES)

    assert found == [Reason.MALFORMED]


# --- what changes


async def test_asking_again_is_conditional_until_something_changes(published: World) -> None:
    async with asking(published.url("github")) as source:
        before = await ask(source, FILES)
        calm = await ask(source, FILES)
        published.github.advisories.publish(OTHER, Flawed(PACKAGE), repository=REPOSITORY, reviewed=False)
        after = await ask(source, FILES)

    assert (before, calm, after) == ([[ID]], [[ID]], [[ID, OTHER]])
    assert [asked.status for asked in published.asked("github")] == [200, 304, 200]


async def test_another_tokens_validators_make_the_list_come_again_and_change_nothing(published: World) -> None:
    """GitHub's validators differ per token, and an app's token lives for an hour."""
    async with asking(published.url("github"), "one") as first, asking(published.url("github"), "two") as second:
        assert await ask(first, FILES) == await ask(second, FILES) == await ask(first, FILES)
    assert [asked.status for asked in published.asked("github")] == [200, 200, 304]


async def test_a_validator_that_is_no_longer_taken_is_replaced(loopback: Loopback) -> None:
    server = Server(
        {"*": [ok(b"[]", ETag='W/"of the first token"'), ok(b"[]", ETag='W/"of the second"'), refusal(304)]}
    )

    async with asking(loopback(server.app)) as source:
        found = [await ask(source, FILES) for _ in range(3)]

    conditions = [request.headers.get("if-none-match") for request in server.requests]
    assert found == [[[]]] * 3
    assert conditions == [None, 'W/"of the first token"', 'W/"of the second"']


async def test_a_repository_that_moved_is_found_under_its_new_name(published: World) -> None:
    published.github.move(REPOSITORY, "acme-inc/files-mcp")
    published.github.advisories.change(ID, repository="acme-inc/files-mcp")

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES)
        read = await record(source)

    assert found == [[ID]]
    assert read.id == ID


# --- what does not answer


async def test_a_repository_without_a_list_is_not_covered(published: World) -> None:
    published.github.delete(REPOSITORY)

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES)

    assert found == [Reason.NOT_COVERED]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(Kind.OUTAGE), Reason.UNAVAILABLE),
        (Fault(Kind.RESET), Reason.UNAVAILABLE),
        (Fault(Kind.STATUS, status=401), Reason.DENIED),
        (Fault(Kind.STATUS, status=403), Reason.DENIED),
        (Fault(Kind.RATE_LIMIT, seconds=3600), Reason.DENIED),
        (Fault(Kind.GARBAGE), Reason.MALFORMED),
        (Fault(Kind.HTML), Reason.MALFORMED),
    ],
)
async def test_an_outage_is_not_an_all_clear(published: World, fault: Fault, reason: Reason) -> None:
    async with asking(published.url("github")) as source:
        before = await ask(source, FILES)
        published.break_("github", fault)
        after = await ask(source, FILES)

    assert (before, after) == ([[ID]], [reason])


async def test_an_outage_for_one_repository_costs_the_others_nothing(published: World) -> None:
    published.github.create("acme/other")
    published.break_("github", Fault(Kind.OUTAGE, only="acme/other"))

    async with asking(published.url("github")) as source:
        found = await ask(source, FILES, Question(Purl.github("acme/other", "v1")))

    assert found == [[ID], Reason.UNAVAILABLE]


@pytest.mark.parametrize("body", [b'[{"ghsa_id": "GHSA-1111-2222-3333"}]', b"{}", b"[7]"])
async def test_a_list_with_a_record_that_cannot_be_read_clears_nothing(loopback: Loopback, body: bytes) -> None:
    async with asking(loopback(Server({"*": [ok(body)]}).app)) as source:
        found = await ask(source, FILES)

    assert found == [Reason.MALFORMED]


# --- records


async def test_a_withdrawn_advisory_leaves_the_list_and_is_still_served(published: World) -> None:
    async with asking(published.url("github")) as source:
        await ask(source, FILES)
        published.github.advisories.withdraw(ID)
        found = await ask(source, FILES)
        read = await record(source)

    assert found == [[]]
    assert read.withdrawn_at == published.clock()


async def test_a_record_of_an_earlier_process_is_found_by_the_global_database(published: World) -> None:
    published.github.advisories.change(ID, reviewed=True)

    async with asking(published.url("github")) as source:
        read = await record(source)

    assert (read.id, read.database) == (ID, GITHUB_REPOSITORY)
    paths = [asked.path for asked in published.asked("github")]
    assert paths == [f"/github/advisories/{ID}", f"/github/repos/{REPOSITORY}/security-advisories/{ID}"]


async def test_a_record_of_an_earlier_process_that_left_its_list_is_looked_for_where_lists_were_read(
    published: World,
) -> None:
    published.github.create("acme/other")
    published.github.advisories.withdraw(ID)

    async with asking(published.url("github")) as source:
        await ask(source, FILES, Question(Purl.github("acme/other", "v1")))
        read = await record(source)
        with pytest.raises(NotFound):
            await record(source, OTHER)

    assert read.withdrawn_at == published.clock()


async def test_a_record_that_may_be_where_nobody_answers_is_not_gone(published: World) -> None:
    published.github.advisories.withdraw(ID)

    async with asking(published.url("github")) as source:
        with pytest.raises(Unavailable):
            await record(source)
        await ask(source, FILES)
        published.break_("github", Fault(Kind.OUTAGE, only=f"security-advisories/{ID}"))
        with pytest.raises(Unavailable):
            await record(source)


async def test_a_record_that_was_deleted_is_a_fact(published: World) -> None:
    async with asking(published.url("github")) as source:
        await ask(source, FILES)
        published.github.advisories.remove(ID)
        with pytest.raises(NotFound):
            await record(source)


@pytest.mark.parametrize(
    "place", ["https://[", "https://elsewhere.example/x", "/repos/a/b/security-advisories/../../c"]
)
async def test_a_publisher_that_leads_nowhere_is_none(loopback: Loopback, place: str) -> None:
    answer = ok(b'{"repository_advisory_url": "%s"}' % place.encode())
    server = Server({f"/advisories/{ID}": [answer]})

    async with asking(loopback(server.app)) as source:
        with pytest.raises(SourceError):
            await record(source)

    assert [request.url.hostname for request in server.requests] == ["127.0.0.1"]


async def test_a_record_that_answers_for_another_is_malformed(loopback: Loopback) -> None:
    body = b'{"ghsa_id": "GHSA-9999-9999-9999", "updated_at": "2026-11-02T00:00:00Z"}'
    listed = b'[{"ghsa_id": "%s", "updated_at": "2026-11-02T00:00:00Z"}]' % ID.encode()
    server = Server({f"/repos/{REPOSITORY}/security-advisories": [ok(listed)], "*": [ok(body)]})

    async with asking(loopback(server.app)) as source:
        await ask(source, FILES)
        with pytest.raises(Malformed, match="answered with GHSA-9999-9999-9999"):
            await record(source)


async def test_a_record_comes_with_its_evidence(published: World) -> None:
    async with asking(published.url("github")) as source:
        await ask(source, FILES)
        fresh = await source.advisory(AdvisoryRef(ID, NOW, GITHUB_REPOSITORY))

    assert ID.encode() in fresh.evidence[0].body
    assert fresh.evidence[0].url.endswith(f"/security-advisories/{ID}")
