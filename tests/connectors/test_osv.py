import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.routing import Route

from connectors import osv
from monitor.domain.advisory import GITHUB, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import AdvisorySource
from tests.connectors.conftest import Loopback
from tests.connectors.servers import make_edge
from tests.world import Fault, Kind, World

MODIFIED = "2026-08-01T00:00:00.123456Z"

Matched = dict[Purl, tuple[AdvisoryRef, ...] | Unknown]


# --- batches

BAD = Purl.npm("bad", "1.0.0")
BREAKING = Purl.npm("breaking", "1.0.0")


@dataclass
class Database:
    """Plays OSV: ids by package name. The package `bad` fails its batch with 400, `breaking` with 500."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    page: int = 1000
    says_where: bool = True
    lone_first: bool = False
    batches: list[list[dict[str, object]]] = field(default_factory=list)
    instead: Callable[[], Answer] | None = None

    async def querybatch(self, request: Request) -> Answer:
        """Answer a batch."""
        queries = json.loads(await request.body())["queries"]
        self.batches.append(queries)
        if self.instead:
            return self.instead()
        names = [query["package"]["name"] for query in queries]
        if BREAKING.name in names:
            return Answer("internal", 500)
        if BAD.name in names:
            where = f" at index {names.index(BAD.name)}" if self.says_where else ""
            return Answer(json.dumps({"code": 3, "message": f"error in query{where}: no"}), 400)
        return Answer(json.dumps({"results": [self.slot(query) for query in queries]}))

    def slot(self, query: dict[str, dict[str, str]]) -> dict[str, object]:
        """One query's page."""
        token = str(query.get("page_token", ""))
        if self.lone_first and not token:
            return {"next_page_token": "0"}
        ids, start = self.ids.get(query["package"]["name"], []), int(token or 0)
        slot: dict[str, object] = {}
        if found := ids[start : start + self.page]:
            slot["vulns"] = [{"id": each, "modified": MODIFIED} for each in found]
        if start + self.page < len(ids):
            slot["next_page_token"] = str(start + self.page)
        return slot

    @property
    def app(self) -> Starlette:
        """The server as an application."""
        return Starlette(routes=[Route("/v1/querybatch", self.querybatch, methods=["POST"])])


async def ask(database: Database, loopback: Loopback, *versions: Purl) -> Matched:
    edge = make_edge(max_body=2**20)
    async with edge.http.session():
        return dict(await osv.build(edge.http, api=loopback(database.app)).match([Question(each) for each in versions]))


def ref(advisory_id: str) -> AdvisoryRef:
    return AdvisoryRef(advisory_id, datetime(2026, 8, 1, tzinfo=UTC))


def ids(found: tuple[AdvisoryRef, ...] | Unknown) -> list[str] | Reason:
    return found.reason if isinstance(found, Unknown) else [each.id for each in found]


async def test_each_version_gets_the_records_of_its_own_slot(loopback: Loopback) -> None:
    versions = (Purl.npm("@a/one", "1.0.0"), Purl.npm("clean", "1.0.0"), Purl.pypi("Two_2", "2.0"))

    answers = await ask(Database({"@a/one": ["GHSA-2", "GHSA-1"], "two-2": ["PYSEC-1"]}), loopback, *versions)

    assert [ids(answers[version]) for version in versions] == [["GHSA-1", "GHSA-2"], [], ["PYSEC-1"]]


async def test_a_query_names_the_ecosystem_as_the_source_spells_it(loopback: Loopback) -> None:
    database = Database()

    await ask(database, loopback, Purl.npm("@a/b", "1.0.0"), Purl.pypi("c", "2.0"))

    assert database.batches == [
        [
            {"package": {"ecosystem": "npm", "name": "@a/b"}, "version": "1.0.0"},
            {"package": {"ecosystem": "PyPI", "name": "c"}, "version": "2.0"},
        ]
    ]


async def test_what_the_source_does_not_cover_is_unknown_and_not_asked(loopback: Loopback) -> None:
    database = Database()
    versions = (Purl.github("acme/files", "v1"), Purl("oci", None, "image", "1"), Purl.npm("no-version"))

    answers = await ask(database, loopback, *versions)

    assert [ids(answers[version]) for version in versions] == [Reason.NOT_COVERED] * 3
    assert database.batches == []


async def test_more_than_a_thousand_versions_are_asked_in_several_batches(loopback: Loopback) -> None:
    database = Database({"p7": ["GHSA-7"], "p2047": ["GHSA-2047"]})
    versions = [Purl.npm(f"p{number}", "1.0.0") for number in range(2048)]

    answers = await ask(database, loopback, *versions)

    assert [len(batch) for batch in database.batches] == [1000, 1000, 48]
    assert len(answers) == 2048
    assert ids(answers[versions[7]]) == ["GHSA-7"]
    assert ids(answers[versions[2047]]) == ["GHSA-2047"]


@pytest.mark.parametrize("lone_first", [False, True])
async def test_pages_are_followed_to_the_end_and_only_where_there_is_one(
    loopback: Loopback, *, lone_first: bool
) -> None:
    database = Database({"many": ["A-1", "A-2", "A-3", "A-4", "A-5"], "few": ["B-1"]}, page=2, lone_first=lone_first)
    many, few = Purl.npm("many", "1.0.0"), Purl.npm("few", "1.0.0")

    answers = await ask(database, loopback, many, few)

    assert ids(answers[many]) == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert ids(answers[few]) == ["B-1"]
    assert [len(batch) for batch in database.batches] == ([2, 2, 1, 1] if lone_first else [2, 1, 1])


async def test_an_answer_without_end_is_not_an_answer(loopback: Loopback) -> None:
    database = Database(instead=lambda: Answer(b'{"results": [{"next_page_token": "again"}]}'))
    version = Purl.npm("endless", "1.0.0")

    answers = await ask(database, loopback, version)

    assert ids(answers[version]) is Reason.MALFORMED
    assert len(database.batches) == osv.MAX_PAGES


@pytest.mark.parametrize("says_where", [True, False])
async def test_a_query_that_is_refused_costs_only_itself(loopback: Loopback, *, says_where: bool) -> None:
    database = Database({"p3": ["GHSA-3"], "p90": ["GHSA-90"]}, says_where=says_where)
    versions = [Purl.npm(f"p{number}", "1.0.0") for number in range(100)]
    versions.insert(40, BAD)

    answers = await ask(database, loopback, *versions)

    assert ids(answers[BAD]) is Reason.MALFORMED
    assert [purl for purl, found in answers.items() if isinstance(found, Unknown)] == [BAD]
    assert ids(answers[Purl.npm("p90", "1.0.0")]) == ["GHSA-90"]
    assert len(database.batches) <= (3 if says_where else 20)


async def test_a_source_that_refuses_everything_is_not_asked_for_ever(loopback: Loopback) -> None:
    database = Database(instead=lambda: Answer(b'{"message": "no"}', 400))
    versions = [Purl.npm(f"p{number}", "1.0.0") for number in range(500)]

    answers = await ask(database, loopback, *versions)

    assert {ids(found) for found in answers.values() if isinstance(found, Unknown)} == {Reason.MALFORMED}
    assert len(answers) == 500
    assert len(database.batches) == osv.MAX_REQUESTS


async def test_a_query_that_breaks_the_server_costs_half_of_its_batch(loopback: Loopback) -> None:
    database = Database({"p0": ["GHSA-0"]})
    versions = [Purl.npm(f"p{number}", "1.0.0") for number in range(3)] + [BREAKING]

    answers = await ask(database, loopback, *versions)

    assert [ids(answers[version]) for version in versions] == [["GHSA-0"], []] + [Reason.UNAVAILABLE] * 2
    assert [len(batch) for batch in database.batches] == [4, 4, 4, 2, 2, 2, 2]


@pytest.mark.parametrize("body", [b"{}", b'{"results": []}', b'{"results": [{}, {}]}', b"<html>", b'{"results": 1}'])
async def test_an_answer_to_another_question_is_no_all_clear(loopback: Loopback, body: bytes) -> None:
    version = Purl.npm("acme", "1.0.0")

    answers = await ask(Database(instead=lambda: Answer(body)), loopback, version)

    assert ids(answers[version]) is Reason.MALFORMED


async def test_a_slot_that_is_none_costs_only_itself(loopback: Loopback) -> None:
    body = b'{"results": [{"vulns": [{"id": "", "modified": "2026-08-01T00:00:00Z"}]}, {}]}'
    versions = (Purl.npm("a", "1.0.0"), Purl.npm("b", "1.0.0"))

    answers = await ask(Database(instead=lambda: Answer(body)), loopback, *versions)

    assert [ids(answers[version]) for version in versions] == [Reason.MALFORMED, []]


# --- against the world


async def in_world(world: World, work: Callable[[AdvisorySource], Awaitable[object]]) -> object:
    edge = make_edge(max_body=2**20)
    async with edge.http.session():
        return await work(osv.build(edge.http, api=world.url("osv")))


async def test_a_record_is_fetched_with_its_evidence_and_is_as_new_as_the_batch_says(world: World) -> None:
    version = Purl.npm("@acme/files", "1.0.0")
    world.osv.advise("GHSA-1", version.package, fixed="2.0.0")

    async def work(source: AdvisorySource) -> None:
        found = (await source.match([Question(version)]))[version]
        assert not isinstance(found, Unknown)
        fresh = await source.advisory(ref("GHSA-1"))
        assert [(each.id, each.modified_at) for each in found] == [("GHSA-1", fresh.value.modified_at)]
        assert fresh.value.fixed_in(version) == ("2.0.0",)
        assert msgspec.json.decode(fresh.evidence[0].body)["id"] == "GHSA-1"

    await in_world(world, work)


async def test_a_withdrawn_record_leaves_the_batch_and_is_still_there(world: World) -> None:
    version = Purl.npm("acme", "1.0.0")
    world.osv.advise("GHSA-1", version.package)
    world.osv.withdraw("GHSA-1")

    async def work(source: AdvisorySource) -> None:
        assert (await source.match([Question(version)]))[version] == ()
        assert (await source.advisory(ref("GHSA-1"))).value.withdrawn_at is not None

    await in_world(world, work)


async def test_an_id_that_is_only_an_alias_says_which_records_carry_it(world: World) -> None:
    world.osv.advise("GHSA-1", Purl.npm("acme"), aliases=["CVE-2026-1"])

    with pytest.raises(NotFound, match="GHSA-1"):
        await in_world(world, lambda source: source.advisory(ref("CVE-2026-1")))


@pytest.mark.parametrize("advisory_id", ["..", "GHSA-none", "a/../../b", "x" * 5000])
async def test_an_id_that_leads_nowhere_is_an_error_of_its_own(world: World, advisory_id: str) -> None:
    with pytest.raises((NotFound, Malformed)):
        await in_world(world, lambda source: source.advisory(ref(advisory_id)))


async def test_a_record_that_answers_for_another_is_malformed(loopback: Loopback) -> None:
    async def other(_: Request) -> Answer:
        return Answer(json.dumps({"id": "GHSA-1", "modified": MODIFIED}))

    edge = make_edge()
    base = loopback(Starlette(routes=[Route("/v1/vulns/{id}", other)]))
    async with edge.http.session():
        with pytest.raises(Malformed, match="answered with GHSA-1"):
            await osv.build(edge.http, api=base).advisory(ref("GHSA-2"))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(Kind.OUTAGE), Reason.UNAVAILABLE),
        (Fault(Kind.RESET), Reason.UNAVAILABLE),
        (Fault(Kind.GARBAGE), Reason.MALFORMED),
        (Fault(Kind.HTML), Reason.MALFORMED),
        (Fault(Kind.HUGE, size=64 * 2**20), Reason.MALFORMED),
        (Fault(Kind.TOO_MANY, seconds=3600), Reason.DENIED),
    ],
)
async def test_an_outage_is_not_an_all_clear(world: World, fault: Fault, reason: Reason) -> None:
    version = Purl.npm("acme", "1.0.0")
    world.break_("osv", fault)

    async def work(source: AdvisorySource) -> None:
        assert ids((await source.match([Question(version)]))[version]) is reason

    await in_world(world, work)


async def test_an_outage_of_the_details_is_an_error(world: World) -> None:
    world.break_("osv", Fault(Kind.OUTAGE))

    with pytest.raises(SourceError) as caught:
        await in_world(world, lambda source: source.advisory(ref("GHSA-1")))

    assert isinstance(caught.value, Unavailable)


async def test_a_version_on_github_is_asked_about_by_its_commit(world: World) -> None:
    files, other = Purl.github("acme/files", "v1"), Purl.github("acme/other", "v2")
    world.osv.add({"id": "CVE-1", "affected": [{"ranges": [git_range("https://github.com/acme/files")]}]})
    world.osv.reach("CVE-1", "a" * 40)

    async def work(source: AdvisorySource) -> None:
        asked = [
            Question(files, commit=Digest("gitCommit", "A" * 40)),
            Question(other, commit=Digest("gitCommit", "b" * 40)),
        ]
        answers = await source.match(asked)
        assert [ids(answers[each]) for each in (files, other)] == [["CVE-1"], []]

    await in_world(world, work)


@pytest.mark.parametrize("commit", [None, Digest("sha1", "a" * 40)])
async def test_a_version_on_github_without_a_commit_is_not_covered(world: World, commit: Digest | None) -> None:
    version = Purl.github("acme/files", "v1")

    async def work(source: AdvisorySource) -> None:
        assert ids((await source.match([Question(version, commit=commit)]))[version]) is Reason.NOT_COVERED

    await in_world(world, work)


async def test_a_record_of_another_database_is_not_there(world: World) -> None:
    world.osv.advise("GHSA-1", Purl.npm("acme"))

    with pytest.raises(NotFound, match="no records of github"):
        await in_world(world, lambda source: source.advisory(AdvisoryRef("GHSA-1", ref("GHSA-1").modified_at, GITHUB)))


def git_range(repository: str) -> dict[str, object]:
    return {"type": "GIT", "repo": repository, "events": [{"introduced": "0"}, {"fixed": "f" * 40}]}
