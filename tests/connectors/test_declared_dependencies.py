"""What registries say that a version needs."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import github, npm, pypi
from connectors._edge.installers import Endpoint, NpmEndpoints
from connectors._npm_dependencies import parse_manifest
from connectors._pypi_dependencies import parse_document, parse_metadata
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.domain.release import Listing, Release
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import Fresh, ReleaseSource
from tests.connectors.servers import make_edge
from tests.hostile import refusing
from tests.world import Fault, Kind, World

NPM = Purl.npm("@acme/files", "1.0.0")
PYPI = Purl.pypi("acme-files", "1.0")
URL = "https://registry.example/a"


@asynccontextmanager
async def sources(world: World) -> AsyncIterator[Mapping[str, ReleaseSource]]:
    edge = make_edge(max_body=2**20)
    endpoints = NpmEndpoints(Endpoint(world.url("npm"), "a test"), {})
    hosts = [urlsplit(world.url("pypi")).netloc]
    async with edge.http.session():
        yield {
            "npm": npm.build(edge.http, endpoints=endpoints),
            "pypi": pypi.build(edge.http, index=f"{world.url('pypi')}/simple/", hosts=hosts),
            "github": github.build(edge.http, api=world.url("github"), token=None),
        }


async def ask(source: ReleaseSource, version: Purl) -> Fresh[Dependencies]:
    answer = await source.listing(version.package, {})
    assert isinstance(answer, Fresh)
    listing: Listing = answer.value
    release = listing.release(version.version or "")
    assert release is not None
    return await source.dependencies(release)


def found(read: Dependencies) -> list[str]:
    return [str(each.purl) for each in read.found]


def manifest(**fields: object) -> bytes:
    return json.dumps({"name": "@acme/files", "version": "1.0.0", **fields}).encode()


async def test_npms_manifest_says_what_is_declared_at_exactly_one_version(world: World) -> None:
    world.npm.publish("@acme/files", "1.0.0", dependencies={"zod": "3.23.8", "express": "^4.18.0"})

    async with sources(world) as source:
        answer = await ask(source["npm"], NPM)

    read = answer.value
    assert (found(read), read.unresolved) == (["pkg:npm/zod@3.23.8"], ("express ^4.18.0",))
    assert (read.of, read.source, read.whole, read.stamp) == (NPM, "npm registry", False, "")
    assert read.found[0].path == ("zod",)
    assert answer.evidence[0].url.endswith("/@acme%2Ffiles/1.0.0")


async def test_an_index_says_it_by_the_json_api_or_else_beside_the_wheel(world: World) -> None:
    needs = {
        "httpx": "==0.27.0",
        "anyio": ">=4",
        "colorama": '==0.4.6; sys_platform == "win32"',
        "trio": '; extra == "x"',
    }
    world.pypi.publish("acme-files", "1.0", dependencies=needs)

    async with sources(world) as source:
        first = (await ask(source["pypi"], PYPI)).value
        world.pypi.shape = "mirror"
        second = (await ask(source["pypi"], PYPI)).value

    for read in (first, second):
        assert found(read) == ["pkg:pypi/httpx@0.27.0", "pkg:pypi/colorama@0.4.6"]
        assert (read.unresolved, read.whole) == (("anyio>=4",), False)
    assert (first.source, second.source) == ("PyPI JSON API", "core metadata")


async def test_a_wheel_that_needs_nothing_is_an_answer_and_a_version_of_which_nothing_is_said_is_none(
    world: World,
) -> None:
    world.pypi.publish("acme-files", "1.0", dependencies={})
    world.pypi.publish("silent", "1.0", kinds=("sdist",))

    async with sources(world) as source:
        empty = (await ask(source["pypi"], PYPI)).value

        with pytest.raises(NotFound):
            await ask(source["pypi"], Purl.pypi("silent", "1.0"))

    assert (empty.found, empty.unresolved, empty.source) == ((), (), "core metadata")


async def test_an_outage_is_not_a_version_without_dependencies(world: World) -> None:
    world.npm.publish("@acme/files", "1.0.0")
    world.pypi.publish("acme-files", "1.0")

    async with sources(world) as source:
        for name, version in (("npm", NPM), ("pypi", PYPI)):
            answer = await source[name].listing(version.package, {})
            assert isinstance(answer, Fresh)
            world.break_(name, Fault(Kind.OUTAGE))
            with pytest.raises(Unavailable):
                await source[name].dependencies(answer.value.releases[0])


async def test_a_repository_says_nothing_of_a_releases_dependencies(world: World) -> None:
    release = Release(Purl.github("acme/files", "v1.0.0"), None, ())

    async with sources(world) as source:
        with pytest.raises(NotFound, match="says nothing of the dependencies"):
            await source["github"].dependencies(release)


@pytest.mark.parametrize("wanted", ["1.2.3", "=1.2.3", "v1.2.3", "npm:b@1.2.3", "npm:b@v1.2.3", "1.2.3+build.5"])
def test_one_version_is_exact_in_every_spelling_of_npms(wanted: str) -> None:
    (read,) = parse_manifest(manifest(dependencies={"b": wanted}), NPM, URL).found

    assert read.purl == Purl.npm("b", "1.2.3")


@pytest.mark.parametrize(
    "wanted", ["^1.2.3", "1.2", "*", "", "latest", "1.2.3 || 2", "npm:b@^1", "git+https://a.example/b", "file:b"]
)
def test_all_else_is_named_and_not_looked_at(wanted: str) -> None:
    read = parse_manifest(manifest(dependencies={"b": wanted}), NPM, URL)

    assert (read.found, len(read.unresolved)) == ((), 1)
    assert read.unresolved[0].startswith("b")


def test_optional_ones_count_bundled_ones_are_named_and_those_for_development_do_not_count() -> None:
    fields = {
        "dependencies": {"a": "1.0.0", "fsevents": "9.9.9", "odd": 3},
        "optionalDependencies": {"fsevents": "2.3.3"},
        "devDependencies": {"vitest": "3.0.1"},
        "peerDependencies": {"react": "18.0.0"},
        "bundleDependencies": ["a", "inside"],
    }

    read = parse_manifest(manifest(**fields), NPM, URL)

    assert found(read) == ["pkg:npm/a@1.0.0", "pkg:npm/fsevents@2.3.3"]
    assert read.unresolved == ("odd (no range)", "inside (bundled)")


def test_a_mirror_may_answer_with_the_whole_document() -> None:
    versions = {"1.0.0": json.loads(manifest(dependencies={"a": "1.0.0"})), "1.1.0": 7}
    body = json.dumps({"name": "@acme/files", "versions": versions}).encode()

    assert found(parse_manifest(body, NPM, URL)) == ["pkg:npm/a@1.0.0"]
    with pytest.raises(NotFound, match=r"lists no 2\.0\.0"):
        parse_manifest(body, NPM.at("2.0.0"), URL)
    with pytest.raises(Malformed):
        parse_manifest(body, NPM.at("1.1.0"), URL)


def test_an_answer_about_another_version_is_refused() -> None:
    info = {"info": {"name": "other", "version": "1.0", "requires_dist": []}}

    with pytest.raises(Malformed, match="is the manifest of"):
        parse_manifest(manifest(version="1.0.1"), NPM, URL)
    with pytest.raises(Malformed, match=r"is about 'other 1\.0'"):
        parse_document(json.dumps(info).encode(), PYPI, URL)
    with pytest.raises(Malformed, match=r"is about 'acme-files 1\.1'"):
        parse_metadata(b"Metadata-Version: 2.1\nName: acme-files\nVersion: 1.1\n", PYPI, URL)


def test_more_declared_than_anybody_needs_is_refused() -> None:
    many = {f"p{number}": "1.0.0" for number in range(10_001)}
    lines = "".join(f"Requires-Dist: p{number}\n" for number in range(10_001))

    with pytest.raises(Malformed, match="more than 10000"):
        parse_manifest(manifest(dependencies=many), NPM, URL)
    with pytest.raises(Malformed, match="more than 10000"):
        parse_metadata(f"Metadata-Version: 2.1\nName: acme-files\nVersion: 1.0\n{lines}".encode(), PYPI, URL)


TEXT = st.text(max_size=20)
ANYTHING = st.recursive(
    st.none() | st.integers() | TEXT, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3)
)


@given(needs=ANYTHING | st.dictionaries(TEXT, TEXT), bundled=ANYTHING)
@settings(max_examples=100, deadline=None)
def test_a_manifest_gives_an_answer_or_is_refused(needs: object, bundled: object) -> None:
    body = manifest(dependencies=needs, bundledDependencies=bundled)

    answer = refusing(parse_manifest, body, NPM, URL)()

    assert isinstance(answer, Dependencies | Malformed)


@given(
    needs=st.lists(TEXT | st.from_regex(r"[a-z]{1,4}(\[x\])?(==|>=|@ )[0-9.*a-z:/]{1,8}(;.{0,9})?")),
    raw=st.binary(max_size=80),
)
@settings(max_examples=100, deadline=None)
def test_metadata_gives_an_answer_or_is_refused(needs: list[str], raw: bytes) -> None:
    lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
    head = "Metadata-Version: 2.1\nName: Acme_Files\nVersion: 1.0.0\n"
    info = {"info": {"name": "Acme.Files", "version": "1.0", "requires_dist": needs}}

    assert parse_document(json.dumps(info).encode(), PYPI, URL) is not None
    for body in (f"{head}{lines}".encode(), head.encode() + raw, raw):
        assert isinstance(refusing(parse_metadata, body, PYPI, URL)(), Dependencies | Malformed)
