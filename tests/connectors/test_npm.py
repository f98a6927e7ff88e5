import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors import npm
from connectors._edge.installers import Endpoint, NpmEndpoints
from monitor.domain.provenance import Form
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, Release, Standing
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import Fresh, ReleaseSource, Unchanged
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, make_edge, ok
from tests.world import Fault, Identity, Kind, World

NAME = "@acme/files"
PACKAGE = Purl.npm(NAME)


@asynccontextmanager
async def registry(world: World) -> AsyncIterator[ReleaseSource]:
    edge = make_edge(max_body=2**20)
    async with edge.http.session():
        yield npm.build(edge.http, endpoints=NpmEndpoints(Endpoint(world.url("npm"), "a test"), {}))


async def look(source: ReleaseSource) -> Fresh[Listing]:
    answer = await source.listing(PACKAGE, {})
    assert isinstance(answer, Fresh)
    return answer


async def only(source: ReleaseSource) -> tuple[Release, Artifact]:
    (release,) = (await look(source)).value.releases
    return release, release.artifacts[0]


async def test_a_version_is_listed_downloaded_and_vouched_for(world: World) -> None:
    made = world.npm.publish(NAME, "1.0.0", attested_by=Identity())

    async with registry(world) as source:
        release, artifact = await only(source)
        downloaded = await source.download(artifact)
        vouched = await source.attestations(release, artifact)

    assert release.published_at == world.clock()
    assert downloaded.digests["sha512"] == artifact.digest == Digest("sha512", made.sha512)
    assert [found.form for found in vouched.value] == [Form.NPM_SIGNATURE, Form.NPM_ATTESTATIONS]
    assert json.loads(vouched.value[0].document) == {
        "integrity": made.integrity,
        "published_at": world.clock().isoformat(),
        "signatures": list(made.signatures),
    }
    assert vouched.value[1].document == made.attestations
    assert vouched.evidence[0].body == made.attestations


async def test_the_name_of_a_scope_is_one_segment_of_the_address(world: World) -> None:
    world.npm.publish(NAME, "1.0.0")

    async with registry(world) as source:
        answer = await look(source)

    assert answer.evidence[0].url == f"{world.url('npm')}/@acme%2Ffiles"


async def test_a_calm_look_is_one_conditional_request(world: World) -> None:
    world.npm.publish(NAME, "1.0.0")

    async with registry(world) as source:
        first = await look(source)
        second = await source.listing(PACKAGE, {each.key: each for each in first.validators})

    assert second == Unchanged()
    assert [asked.status for asked in world.asked("npm")] == [200, 304]


async def test_deprecation_removal_holding_and_unpublishing_are_different_things(world: World) -> None:
    world.npm.publish(NAME, "1.0.0")
    world.npm.publish(NAME, "1.1.0")
    world.npm.deprecate(NAME, "1.0.0", "old")
    async with registry(world) as source:
        deprecated = (await look(source)).value
        world.npm.unpublish(NAME, "1.1.0")
        removed = (await look(source)).value
        world.npm.hold(NAME)
        held = (await look(source)).value
        world.npm.unpublish(NAME)
        unpublished = (await look(source)).value
        world.npm.forget(NAME)

        with pytest.raises(NotFound):
            await source.listing(PACKAGE, {})

    assert {release.version: release.deprecated for release in deprecated.releases} == {"1.0.0": "old", "1.1.0": None}
    assert [release.version for release in removed.releases] == ["1.0.0"]
    assert held.standing is Standing.SECURITY_HOLDER
    assert (unpublished.releases, unpublished.standing) == ((), Standing.UNPUBLISHED)


async def test_nobody_is_asked_about_a_version_that_announces_no_attestation(world: World) -> None:
    world.npm.publish(NAME, "1.0.0", signed=False)

    async with registry(world) as source:
        vouched = await source.attestations(*await only(source))

    assert vouched == Fresh(())
    assert world.asked("npm", "/attestations/") == []


async def test_an_announced_attestation_that_is_not_there_is_unavailable_and_not_lost(world: World) -> None:
    world.npm.publish(NAME, "1.0.0", attested_by=Identity())

    async with registry(world) as source:
        release, artifact = await only(source)
        world.npm.change(NAME, "1.0.0", attestations=None)

        with pytest.raises(Unavailable, match="announced"):
            await source.attestations(release, artifact)


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.RESET, Kind.GARBAGE, Kind.HTML, Kind.TRUNCATED, Kind.REDIRECT])
async def test_a_failure_is_an_error_and_never_a_listing(world: World, kind: Kind) -> None:
    world.npm.publish(NAME, "1.0.0")
    world.break_("npm", Fault(kind))

    async with registry(world) as source:
        with pytest.raises(SourceError):
            await source.listing(PACKAGE, {})


# --- where it may go


@pytest.mark.parametrize(
    "announced", ["https://evil.example/-/a?steal=1", "http://127.0.0.1:9/-/a", "file:///-/a", "//evil.example/-/a"]
)
async def test_only_the_path_of_an_announced_attestation_counts(loopback: Loopback, announced: str) -> None:
    server = Server({"/-/a": [ok(b"{}")]})
    artifact = Artifact("files-1.0.0.tgz", "", None, attestation_url=announced)
    edge = make_edge()

    async with edge.http.session():
        source = npm.build(edge.http, endpoints=NpmEndpoints(Endpoint(f"{loopback(server.app)}/npm/", "a test"), {}))
        fresh = await source.attestations(Release(PACKAGE.at("1.0.0"), None, (artifact,)), artifact)

    assert [found.form for found in fresh.value] == [Form.NPM_ATTESTATIONS]
    assert [(request.url.path, request.url.query) for request in server.requests] == [("/-/a", "")]


async def test_a_scope_with_a_registry_of_its_own_is_asked_there_with_its_own_credentials(loopback: Loopback) -> None:
    common, own = Server({"*": [ok(b"bytes")]}), Server({"*": [ok(b"bytes")]})
    common_url, own_url = loopback(common.app), loopback(own.app)
    scoped = Endpoint(f"{own_url}/private/", "a test", {"authorization": "Bearer secret"})
    edge = make_edge()

    async with edge.http.session():
        endpoints = NpmEndpoints(Endpoint(common_url, "a test"), {"@acme": scoped})
        source = npm.build(edge.http, endpoints=endpoints)
        for package in (PACKAGE, Purl.npm("files"), Purl.npm("@other/files")):
            with pytest.raises(Malformed):
                await source.listing(package, {})
        await source.download(Artifact("a.tgz", f"{own_url}/private/a.tgz", None))
        await source.download(Artifact("b.tgz", f"{common_url}/b.tgz", None))

    assert [request.url.path for request in own.requests] == ["/private/@acme/files", "/private/a.tgz"]
    assert {request.headers["authorization"] for request in own.requests} == {"Bearer secret"}
    assert [request.url.path for request in common.requests] == ["/files", "/@other/files", "/b.tgz"]
    assert all("authorization" not in request.headers for request in common.requests)


async def test_registries_of_one_host_are_told_apart_by_their_paths(loopback: Loopback) -> None:
    server = Server({"*": [ok(b"bytes")]})
    base = loopback(server.app)
    edge = make_edge()

    async with edge.http.session():
        common = Endpoint(f"{base}/npm/", "a test", {"authorization": "Bearer common"})
        own = Endpoint(f"{base}/npm/acme", "a test", {"authorization": "Bearer own"})
        source = npm.build(edge.http, endpoints=NpmEndpoints(common, {"@acme": own}))
        await source.download(Artifact("a.tgz", f"{base}/npm/acme/a.tgz", None))
        await source.download(Artifact("b.tgz", f"{base}/npm/b.tgz", None))
        await source.download(Artifact("c.tgz", f"{base}/npm/acme-other/c.tgz", None))

    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == ["Bearer own", "Bearer common", "Bearer common"]


async def test_a_token_in_the_path_of_a_registry_is_sent_and_never_shown(loopback: Loopback) -> None:
    version = {"version": "1.0.0", "dist": {"tarball": "files-1.0.0.tgz", "shasum": "a" * 40}}
    document = json.dumps({"name": "files", "versions": {"1.0.0": version}}).encode()
    token = "4f9c1b7a0e2d8c6b5a3f9e1d7c0b2a4f6e8d1c3b"
    server = Server({f"/{token}/files": [ok(document)], f"/{token}/files-1.0.0.tgz": [ok(b"bytes")], "*": [ok(b"{}")]})
    edge = make_edge()

    async with edge.http.session():
        endpoints = NpmEndpoints(Endpoint(f"{loopback(server.app)}/{token}/", "a test"), {})
        source = npm.build(edge.http, endpoints=endpoints)
        fresh = await source.listing(Purl.npm("files"), {})
        assert isinstance(fresh, Fresh)
        downloaded = await source.download(fresh.value.releases[0].artifacts[0])
        with pytest.raises(Malformed) as caught:
            await source.listing(PACKAGE, {})

    assert downloaded.size == 5
    assert token not in fresh.evidence[0].url
    assert token not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.tgz", "https://evil.example/a.tgz", "file:///etc/passwd", ""])
async def test_a_tarball_on_a_foreign_host_is_not_fetched(loopback: Loopback, url: str) -> None:
    edge = make_edge()

    async with edge.http.session():
        endpoints = NpmEndpoints(Endpoint(loopback(Server({}).app), "a test"), {})
        source = npm.build(edge.http, endpoints=endpoints)
        with pytest.raises(Malformed):
            await source.download(Artifact("a.tgz", url, None))


async def test_a_tarball_on_an_allowed_host_is_fetched(loopback: Loopback) -> None:
    files = loopback(Server({"/a.tgz": [ok(b"bytes")]}).app)
    edge = make_edge()

    async with edge.http.session():
        endpoints = NpmEndpoints(Endpoint(loopback(Server({}).app), "a test"), {})
        source = npm.build(edge.http, endpoints=endpoints, hosts=[files.removeprefix("http://")])
        downloaded = await source.download(Artifact("a.tgz", f"{files}/a.tgz", None))

    assert downloaded.size == 5
