import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from connectors import pypi
from monitor.domain.provenance import Form
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Listing, Release, Standing
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import Fresh, ReleaseSource, Unchanged
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, make_edge, ok, refusal
from tests.world import Fault, Identity, Kind, World

PACKAGE = Purl.pypi("acme-files")
PAGE = b'{"meta": {"api-version": "1.4"}, "name": "acme-files", "files": [], "versions": ["1.0"]}'


@asynccontextmanager
async def index(world: World, **headers: str) -> AsyncIterator[ReleaseSource]:
    edge = make_edge(max_body=2**20)
    async with edge.http.session():
        yield pypi.build(edge.http, index=f"{world.url('pypi')}/simple/", headers=headers)


async def look(source: ReleaseSource) -> Fresh[Listing]:
    answer = await source.listing(PACKAGE, {})
    assert isinstance(answer, Fresh)
    return answer


async def test_a_release_is_listed_downloaded_and_vouched_for(world: World) -> None:
    world.pypi.publish("acme-files", "1.0", attested_by=Identity())

    async with index(world) as source:
        (release,) = (await look(source)).value.releases
        downloads = [await source.download(artifact) for artifact in release.artifacts]
        vouched = [await source.attestations(release, artifact) for artifact in release.artifacts]

    assert [each.digests["sha256"] for each in downloads] == [artifact.digest for artifact in release.artifacts]
    assert [[found.form for found in each.value] for each in vouched] == [[Form.PYPI_PROVENANCE]] * 2
    assert vouched[0].evidence[0].sha256 == sha256(vouched[0].value[0].document).hexdigest()


async def test_a_calm_look_is_one_conditional_request(world: World) -> None:
    world.pypi.publish("acme-files", "1.0")

    async with index(world) as source:
        first = await look(source)
        second = await source.listing(PACKAGE, {each.key: each for each in first.validators})

    assert second == Unchanged()
    assert [asked.status for asked in world.asked("pypi")] == [200, 304]


async def test_yanks_quarantine_and_removal_are_different_things(world: World) -> None:
    world.pypi.publish("acme-files", "1.0")
    world.pypi.yank("acme-files", "1.0", "broken")
    async with index(world) as source:
        yanked = (await look(source)).value
        world.pypi.quarantine("acme-files")
        quarantined = (await look(source)).value
        world.pypi.remove("acme-files")

        with pytest.raises(NotFound):
            await source.listing(PACKAGE, {})

    assert [release.yanked for release in yanked.releases] == ["broken"]
    assert (quarantined.releases, quarantined.standing) == ((), Standing.QUARANTINED)


async def test_nobody_is_asked_about_a_file_that_announces_no_provenance(world: World) -> None:
    world.pypi.publish("acme-files", "1.0", attested_by=Identity())
    world.pypi.shape = "mirror"

    async with index(world) as source:
        (release,) = (await look(source)).value.releases
        vouched = await source.attestations(release, release.artifacts[0])

    assert vouched == Fresh(())
    assert world.asked("pypi", "/integrity/") == []


async def test_an_announced_provenance_that_is_not_there_is_unavailable_and_not_lost(world: World) -> None:
    (listed, _) = world.pypi.publish("acme-files", "1.0", attested_by=Identity())

    async with index(world) as source:
        (release,) = (await look(source)).value.releases
        world.pypi.change("acme-files", listed.filename, provenance=None)

        with pytest.raises(Unavailable, match="announced"):
            await source.attestations(release, release.artifacts[0])


async def test_a_mirror_that_only_has_html_is_malformed_and_not_empty(world: World) -> None:
    world.pypi.publish("acme-files", "1.0")
    world.pypi.shape = "html"

    async with index(world) as source:
        with pytest.raises(Malformed, match="PEP 691"):
            await source.listing(PACKAGE, {})


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.RESET, Kind.GARBAGE, Kind.HTML, Kind.TRUNCATED, Kind.REDIRECT])
async def test_a_failure_is_an_error_and_never_a_listing(world: World, kind: Kind) -> None:
    world.pypi.publish("acme-files", "1.0")
    world.break_("pypi", Fault(kind))

    async with index(world) as source:
        with pytest.raises(SourceError):
            await source.listing(PACKAGE, {})


# --- where it may go


@pytest.mark.parametrize(
    "announced", ["https://evil.example/p", "http://127.0.0.1:9/p", "file:///etc/passwd", "http://"]
)
async def test_a_page_that_names_a_foreign_provenance_is_asked_at_home(loopback: Loopback, announced: str) -> None:
    server = Server({"/integrity/acme-files/1.0/a b.whl/provenance": [ok(b"{}")]})
    artifact = Artifact("a b.whl", "", None, attestation_url=announced)
    edge = make_edge()

    async with edge.http.session():
        source = pypi.build(edge.http, index=f"{loopback(server.app)}/mirror/simple/")
        fresh = await source.attestations(Release(PACKAGE.at("1.0"), None, (artifact,)), artifact)

    assert fresh.value[0].document == b"{}"
    assert [request.url.path for request in server.requests] == ["/integrity/acme-files/1.0/a b.whl/provenance"]


async def test_files_come_from_the_index_or_an_allowed_host_and_credentials_go_to_the_index_only(
    loopback: Loopback,
) -> None:
    files = Server({"/f": [ok(b"bytes")]})
    home = Server({"/simple/acme-files/": [ok(PAGE)]})
    stored, base = loopback(files.app), loopback(home.app)
    edge = make_edge()

    async with edge.http.session():
        host = stored.removeprefix("http://")
        headers = {"authorization": "Basic secret"}
        source = pypi.build(edge.http, index=f"{base}/simple/", hosts=[host], headers=headers)
        await source.listing(PACKAGE, {})
        downloaded = await source.download(Artifact("f", f"{stored}/f", None))
        with pytest.raises(Malformed, match="not an allowed host"):
            await source.download(Artifact("f", "http://127.0.0.1:9/f", None))

    assert downloaded.size == 5
    assert home.requests[0].headers["authorization"] == "Basic secret"
    assert "authorization" not in files.requests[0].headers


async def test_a_token_in_the_path_of_an_index_is_sent_and_never_shown(loopback: Loopback) -> None:
    token = "wK3vR8pZq1TnX6bY0dLm4cJh"
    page = {
        "meta": {"api-version": "1.1"},
        "name": "acme-files",
        "files": [{"filename": "acme_files-1.0.zip", "url": "f"}],
    }
    server = Server({f"/{token}/simple/acme-files/": [ok(json.dumps(page).encode()), ok()], "*": [ok(b"bytes")]})
    edge = make_edge()

    async with edge.http.session():
        source = pypi.build(edge.http, index=f"{loopback(server.app)}/{token}/simple/")
        fresh = await look(source)
        downloaded = await source.download(fresh.value.releases[0].artifacts[0])
        with pytest.raises(Malformed) as caught:
            await source.listing(PACKAGE, {})

    assert downloaded.size == 5
    assert server.requests[1].url.path == f"/{token}/simple/acme-files/f"
    assert fresh.evidence[0].url.endswith("/.../simple/acme-files/")
    assert token not in str(caught.value)
    assert token not in repr(source)


async def test_an_index_that_refuses_the_form_tells_the_way_out(loopback: Loopback) -> None:
    edge = make_edge()

    async with edge.http.session():
        source = pypi.build(edge.http, index=loopback(Server({"*": [refusal(406)]}).app))
        with pytest.raises(Malformed, match=r"sources\.pypi"):
            await source.listing(PACKAGE, {})


async def test_an_index_without_validators_is_read_anew_each_time(loopback: Loopback) -> None:
    edge = make_edge()

    async with edge.http.session():
        source = pypi.build(edge.http, index=loopback(Server({"*": [ok(PAGE)]}).app))
        answer = await source.listing(PACKAGE, {})

    assert isinstance(answer, Fresh)
    assert answer.validators == ()
