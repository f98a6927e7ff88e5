import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import Response as Answer
from starlette.routing import Route

from connectors import github
from monitor.domain.provenance import Form
from monitor.domain.release import Artifact, Digest, Listing, Release, Standing
from monitor.ports.errors import Denied, Malformed, NotFound, Unavailable
from monitor.ports.sources import Fresh, ReleaseSource, Unchanged, Validators
from tests.connectors.conftest import Loopback
from tests.connectors.forge import DIGEST, NEW, OLD, PACKAGE, Forge, asset, release, tag
from tests.connectors.servers import make_edge


@asynccontextmanager
async def source(forge: Forge, loopback: Loopback, *, token: str | None = None) -> AsyncIterator[ReleaseSource]:
    edge = make_edge(max_body=2**20)
    async with edge.http.session():
        yield github.build(edge.http, api=f"{loopback(forge.app)}/api", token=token)


async def look(at: ReleaseSource, known: Validators | None = None) -> Fresh[Listing]:
    answer = await at.listing(PACKAGE, known or {})
    assert isinstance(answer, Fresh)
    return answer


def validators(answer: Fresh[Listing]) -> Validators:
    return {validator.key: validator for validator in answer.validators}


# --- listings


async def test_a_release_has_its_files_and_the_commit_of_its_tag(loopback: Loopback) -> None:
    forge = Forge(releases=[release("v1", asset("tool.tgz"), prerelease=True)], tags=[tag("v1")])

    async with source(forge, loopback) as hub:
        listing = (await look(hub)).value

    url = "https://github.com/acme/tool/releases/download/v1/tool.tgz"
    assert listing.identity == "42"
    assert (listing.standing, listing.moved_to, listing.complete) == (Standing.ACTIVE, None, True)
    assert listing.releases == (
        Release(
            PACKAGE.at("v1"),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            (Artifact("tool.tgz", url, Digest.parse(DIGEST), 7),),
            prerelease=True,
            commit=Digest("gitCommit", OLD),
        ),
    )


async def test_a_tag_without_a_release_is_a_version_without_a_date(loopback: Loopback) -> None:
    forge = Forge(tags=[tag("v1"), tag("nightly/2026", NEW)])

    async with source(forge, loopback) as hub:
        listing = (await look(hub)).value

    assert {each.version: (each.published_at, each.commit) for each in listing.releases} == {
        "v1": (None, Digest("gitCommit", OLD)),
        "nightly/2026": (None, Digest("gitCommit", NEW)),
    }


async def test_a_release_whose_tag_is_gone_has_no_commit(loopback: Loopback) -> None:
    async with source(Forge(releases=[release("v1")]), loopback) as hub:
        listing = (await look(hub)).value

    assert listing.releases[0].commit is None


async def test_drafts_and_half_uploaded_files_are_left_out(loopback: Loopback) -> None:
    forge = Forge(releases=[release("v2", draft=True), release("v1", asset("half", state="starter"), asset("whole"))])

    async with source(forge, loopback) as hub:
        listing = (await look(hub)).value

    assert [each.version for each in listing.releases] == ["v1"]
    assert [file.filename for file in listing.releases[0].artifacts] == ["whole"]


async def test_a_file_without_a_digest_is_listed_without_one(loopback: Loopback) -> None:
    files = (asset("old", digest=None), asset("strange", digest="blake3:00"))

    async with source(Forge(releases=[release("v1", *files)]), loopback) as hub:
        listing = (await look(hub)).value

    assert [file.digest for file in listing.releases[0].artifacts] == [None, None]


async def test_a_tag_too_long_for_a_version_costs_only_itself(loopback: Loopback) -> None:
    async with source(Forge(tags=[tag("v" * 600), tag("v1")]), loopback) as hub:
        listing = (await look(hub)).value

    assert [each.version for each in listing.releases] == ["v1"]


async def test_a_calm_look_is_three_conditional_requests_and_says_unchanged(loopback: Loopback) -> None:
    forge = Forge(releases=[release("v1")], tags=[tag("v1")])

    async with source(forge, loopback) as hub:
        first = await look(hub)
        forge.asked.clear()
        second = await hub.listing(PACKAGE, validators(first))

    assert second == Unchanged()
    assert len(forge.asked) == 3


@pytest.mark.parametrize("what", ["stars", "release", "moved tag"])
async def test_one_changed_document_brings_the_whole_listing(loopback: Loopback, what: str) -> None:
    forge = Forge(releases=[release("v1")], tags=[tag("v1")])

    async with source(forge, loopback) as hub:
        first = await look(hub)
        match what:
            case "stars":
                forge.repository["stargazers_count"] = 1
            case "release":
                forge.releases.insert(0, release("v2"))
            case _:
                forge.tags[0] = tag("v1", NEW)
        second = await look(hub, validators(first))
        third = await hub.listing(PACKAGE, validators(second))

    assert {"v1"} <= {each.version for each in second.value.releases}
    assert len(second.evidence) == len(second.validators) == 3
    assert third == Unchanged()


async def test_a_tag_that_moved_on_a_later_page_is_seen(loopback: Loopback) -> None:
    forge = Forge(tags=[tag(f"v{number}") for number in range(150)])

    async with source(forge, loopback) as hub:
        first = await look(hub)
        forge.tags[149] = tag("v149", NEW)
        second = await look(hub, validators(first))

    assert len(second.value.releases) == 150
    moved = second.value.release("v149")
    assert moved is not None
    assert moved.commit == Digest("gitCommit", NEW)


async def test_a_listing_that_was_cut_off_says_so(loopback: Loopback) -> None:
    forge = Forge(tags=[tag(f"v{number}") for number in range(501)])

    async with source(forge, loopback) as hub:
        listing = (await look(hub)).value

    assert len(listing.releases) == 500
    assert not listing.complete


async def test_a_renamed_repository_is_followed_and_reported(loopback: Loopback) -> None:
    forge = Forge(tags=[tag("v1")], moved=True)
    forge.repository["full_name"] = "Other/Tool"

    async with source(forge, loopback) as hub:
        listing = (await look(hub)).value

    assert listing.moved_to == "Other/Tool"
    assert listing.package == PACKAGE
    assert listing.releases[0].purl == PACKAGE.at("v1")
    assert forge.asked[-1] == "/api/repos/Other/Tool/tags?per_page=100"


async def test_an_archived_and_a_disabled_repository_say_so(loopback: Loopback) -> None:
    forge = Forge()
    forge.repository["archived"] = True

    async with source(forge, loopback) as hub:
        archived = (await look(hub)).value
        forge.repository["disabled"] = True
        disabled = (await look(hub)).value

    assert archived.standing is Standing.ARCHIVED
    assert (disabled.standing, disabled.standing_reason) == (Standing.QUARANTINED, "disabled by GitHub")


async def test_a_repository_that_is_not_there_is_not_found(loopback: Loopback) -> None:
    async with source(Forge(refusal=Answer(b"{}", 404)), loopback) as hub:
        with pytest.raises(NotFound):
            await hub.listing(PACKAGE, {})


@pytest.mark.parametrize("status", [403, 451])
async def test_a_blocked_repository_is_quarantined_with_the_reason(loopback: Loopback, status: int) -> None:
    body = json.dumps({"message": "Repository access blocked", "block": {"reason": "tos"}}).encode()

    async with source(Forge(refusal=Answer(body, status)), loopback) as hub:
        answer = await look(hub)

    assert answer.value == Listing(PACKAGE, (), Standing.QUARANTINED, "Repository access blocked (tos)")
    assert answer.validators == ()


async def test_a_refusal_of_us_is_denied_and_says_nothing_of_the_repository(loopback: Loopback) -> None:
    body = b'{"message": "Resource not accessible by personal access token"}'

    async with source(Forge(refusal=Answer(body, 403)), loopback) as hub:
        with pytest.raises(Denied):
            await hub.listing(PACKAGE, {})


async def test_the_token_the_form_and_the_version_of_the_interface_are_sent(loopback: Loopback) -> None:
    forge = Forge()

    async with source(forge, loopback, token="t0ken") as hub:
        await look(hub)

    sent = forge.headers[0]
    assert sent["authorization"] == "Bearer t0ken"
    assert sent["accept"] == "application/vnd.github+json, application/json;q=0.9"
    assert sent["x-github-api-version"] == "2022-11-28"


# --- attestations


def bundles(*found: object) -> dict[str, object]:
    return {"attestations": [{"bundle": bundle, "bundle_url": "https://blob.example/x"} for bundle in found]}


async def test_attestations_come_as_they_are(loopback: Loopback) -> None:
    document = bundles({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"})
    forge = Forge(attestations={DIGEST: document})

    async with source(forge, loopback) as hub:
        answer = await hub.attestations(Release(PACKAGE.at("v1"), None, ()), Artifact("f", "u", Digest.parse(DIGEST)))

    assert [attestation.form for attestation in answer.value] == [Form.GITHUB_ATTESTATION]
    assert msgspec.json.decode(answer.value[0].document) == document
    assert forge.asked == [f"/api/repos/acme/tool/attestations/{DIGEST}?per_page=100"]


@pytest.mark.parametrize("document", [None, bundles()])
async def test_a_file_that_nobody_vouches_for_has_no_attestation(loopback: Loopback, document: object) -> None:
    forge = Forge(attestations={} if document is None else {DIGEST: document})

    async with source(forge, loopback) as hub:
        answer = await hub.attestations(Release(PACKAGE.at("v1"), None, ()), Artifact("f", "u", Digest.parse(DIGEST)))

    assert answer.value == ()


@pytest.mark.parametrize(
    "document", [bundles(None), bundles({"a": 1}, None), {"attestations": [{"bundle_url": "https://b.example"}]}]
)
async def test_a_bundle_that_is_kept_elsewhere_is_unavailable(loopback: Loopback, document: object) -> None:
    async with source(Forge(attestations={DIGEST: document}), loopback) as hub:
        with pytest.raises(Unavailable, match="1 attestations of f are kept outside"):
            await hub.attestations(Release(PACKAGE.at("v1"), None, ()), Artifact("f", "u", Digest.parse(DIGEST)))


async def test_a_file_without_a_digest_cannot_be_looked_up(loopback: Loopback) -> None:
    async with source(Forge(), loopback) as hub:
        with pytest.raises(Unavailable, match="no sha256"):
            await hub.attestations(Release(PACKAGE.at("v1"), None, ()), Artifact("f", "u", None))


# --- files


async def test_files_come_from_allowed_hosts_only(loopback: Loopback) -> None:
    files = loopback(Starlette(routes=[Route("/f", lambda _: Answer(b"bytes"))]))
    edge = make_edge()

    async with edge.http.session():
        closed = github.build(edge.http, api="http://127.0.0.1:1", token=None)
        with pytest.raises(Malformed, match="not an allowed host"):
            await closed.download(Artifact("f", f"{files}/f", None))
        opened = github.build(edge.http, api="http://127.0.0.1:1", token=None, hosts=[files.removeprefix("http://")])
        got = await opened.download(Artifact("f", f"{files}/f", None))

    assert got.digests["sha256"].hex == hashlib.sha256(b"bytes").hexdigest()
