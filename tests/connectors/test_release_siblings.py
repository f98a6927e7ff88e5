"""Bundles and checksum files beside a release's files: which are asked for, and what they prove."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors import github, sigstore_bundle
from connectors._github_siblings import siblings
from monitor.domain.provenance import Attestation, Form, Subject, Verdict, Verification, worst
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Release
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import Fresh, ReleaseSource, Verifier
from tests.connectors.servers import make_edge
from tests.world import Fault, Identity, Kind, World
from tests.world.signing import Sigstore, statement

REPOSITORY, TAG, TOOL = "acme/files-mcp", "v1.0.0", "files-mcp.tgz"
PURL = Purl.github(REPOSITORY, TAG)
BUILDER = Identity(repository=REPOSITORY)
BODY = b"the tool"
DIGESTS = {name: Digest(name, hashlib.new(name, BODY).hexdigest()) for name in ("sha1", "sha256", "sha512")}
OURS = Subject(PURL, TOOL, DIGESTS)
SHA256, SHA512, OTHER = DIGESTS["sha256"].hex, DIGESTS["sha512"].hex, "ab" * 32


@pytest.fixture
async def source(world: World) -> AsyncIterator[ReleaseSource]:
    edge = make_edge(max_body=2**23)
    host = world.origin().removeprefix("http://")
    async with edge.http.session():
        yield github.build(edge.http, api=world.url("github"), token=None, hosts=[host])


@pytest.fixture
def verifier(world: World, tmp_path: Path) -> Verifier:
    public_good, npm_keys = world.trust_root_files(tmp_path)
    return sigstore_bundle.build(public_good=public_good, npm_keys=npm_keys)


async def release(source: ReleaseSource) -> Release:
    listed = await source.listing(PURL.package, {})
    assert isinstance(listed, Fresh)
    found = listed.value.release(TAG)
    assert found is not None
    return found


def file(of: Release, name: str) -> Artifact:
    return next(artifact for artifact in of.artifacts if artifact.filename == name)


def decide(verifier: Verifier, form: Form, document: bytes, *, url: str = "", subject: Subject = OURS) -> Verification:
    (only,) = verifier.verify(subject, [Attestation(form, document, url)])
    return only


# --- which files are asked


@pytest.mark.parametrize(
    "name",
    [
        "SHA256SUMS",
        "sha512sums.txt",
        "checksums.txt",
        "files-mcp_1.0.0_checksums.txt",
        "files-mcp-1.0.0-SHA256SUMS",
        "checksums-sha256.txt",
        "SHASUMS256.txt",
        "files-mcp.tgz.sha256",
        "files-mcp.tgz.sha512sum",
        "files-mcp.tgz.SHA256.txt",
    ],
)
def test_a_checksum_file_is_known_by_its_name(name: str) -> None:
    files = [Artifact(each, "", None) for each in (TOOL, name)]

    assert [(form, each.filename) for form, each in siblings(files[0], files)] == [(Form.CHECKSUMS, name)]


@pytest.mark.parametrize(
    "name", ["other.tgz.sha256", "resums.txt", "summary.txt", "files-mcp.tgz.sig", "other.tgz.sigstore"]
)
def test_what_is_about_another_file_is_not_asked(name: str) -> None:
    files = [Artifact(each, "", None) for each in (TOOL, "other.tgz", name)]

    assert siblings(files[0], files) == []


def test_a_checksum_file_is_in_none_but_may_have_a_bundle() -> None:
    files = [Artifact(each, "", None) for each in ("checksums.txt", "SHA256SUMS", "checksums.txt.sigstore.json")]

    assert [each.filename for _, each in siblings(files[0], files)] == ["checksums.txt.sigstore.json"]


async def test_what_lies_beside_a_file_comes_with_its_attestations(world: World, source: ReleaseSource) -> None:
    world.github.release(
        REPOSITORY, TAG, assets={TOOL: BODY}, attested_by=BUILDER, bundled_by=BUILDER, checksums="SHA256SUMS"
    )
    made = await release(source)

    answer = await source.attestations(made, file(made, TOOL))

    assert [each.form for each in answer.value] == [Form.GITHUB_ATTESTATION, Form.SIGSTORE_BUNDLE, Form.CHECKSUMS]
    assert len(answer.evidence) == 3
    assert answer.value[2].url.endswith("/SHA256SUMS")


async def test_a_checksum_file_is_fetched_once_for_all_files_of_its_release(
    world: World, source: ReleaseSource
) -> None:
    world.github.release(REPOSITORY, TAG, assets={"a.tgz": b"a", "b.tgz": b"b"}, checksums="checksums.txt")
    made = await release(source)

    for name in ("a.tgz", "b.tgz"):
        await source.attestations(made, file(made, name))

    assert len(world.asked("files", "checksums.txt")) == 1


async def test_a_bundle_that_is_listed_and_not_there_is_unavailable(world: World, source: ReleaseSource) -> None:
    made_now = world.github.release(REPOSITORY, TAG, assets={TOOL: BODY}, bundled_by=BUILDER)
    made = await release(source)
    del world.files.bodies[made_now.assets[1].path]

    with pytest.raises(Unavailable, match="is listed and not there"):
        await source.attestations(made, file(made, TOOL))


async def test_a_bundle_that_is_another_file_than_listed_is_refused(world: World, source: ReleaseSource) -> None:
    made_now = world.github.release(REPOSITORY, TAG, assets={TOOL: BODY}, bundled_by=BUILDER)
    made = await release(source)
    world.files.bodies[made_now.assets[1].path] += b" "

    with pytest.raises(Malformed, match="not the file that the release lists"):
        await source.attestations(made, file(made, TOOL))


async def test_a_huge_bundle_is_not_read(world: World, source: ReleaseSource) -> None:
    world.github.release(REPOSITORY, TAG, assets={TOOL: BODY, f"{TOOL}.sigstore": b" " * (2**21 + 1)})
    made = await release(source)

    with pytest.raises(Malformed, match="more than the 2097152"):
        await source.attestations(made, file(made, TOOL))


async def test_an_outage_of_the_files_is_not_an_absence(world: World, source: ReleaseSource) -> None:
    world.github.release(REPOSITORY, TAG, assets={TOOL: BODY}, checksums="SHA256SUMS")
    made = await release(source)
    world.break_("files", Fault(Kind.OUTAGE))

    with pytest.raises(Unavailable):
        await source.attestations(made, file(made, TOOL))


# --- bundles


def test_a_bundle_beside_a_file_names_its_publisher(world: World, verifier: Verifier) -> None:
    found = decide(verifier, Form.SIGSTORE_BUNDLE, world.trust.sigstore.file_bundle(BODY, BUILDER))

    assert (found.verdict, found.reason) == (Verdict.VERIFIED, "signature")
    assert found.publisher is not None
    assert found.publisher.repository == f"https://github.com/{REPOSITORY}"


def test_a_bundle_with_a_statement_holds_for_the_bytes_that_it_names(world: World, verifier: Verifier) -> None:
    subject: dict[str, object] = {"name": TOOL, "digest": {"sha256": SHA256}}
    document = world.trust.sigstore.bundle(statement(subject, "https://slsa.dev/provenance/v1", {}), BUILDER)

    found = decide(verifier, Form.SIGSTORE_BUNDLE, document)
    other = decide(
        verifier, Form.SIGSTORE_BUNDLE, document, subject=Subject(PURL, TOOL, {"sha256": Digest("sha256", OTHER)})
    )

    assert (found.verdict, found.reason) == (Verdict.VERIFIED, "build")
    assert (other.verdict, other.reason) == (Verdict.INVALID, "digest-mismatch")


def test_a_bundle_of_another_file_and_one_by_a_stranger_do_not_hold(world: World, verifier: Verifier) -> None:
    other = decide(verifier, Form.SIGSTORE_BUNDLE, world.trust.sigstore.file_bundle(b"another tool", BUILDER))
    stranger = decide(verifier, Form.SIGSTORE_BUNDLE, Sigstore().file_bundle(BODY, BUILDER))

    assert (other.verdict, other.reason) == (Verdict.INVALID, "digest-mismatch")
    assert (stranger.verdict, stranger.reason) == (Verdict.INVALID, "certificate")


def test_each_line_of_a_file_of_bundles_is_a_claim(world: World, verifier: Verifier) -> None:
    good, bad = (world.trust.sigstore.file_bundle(body, BUILDER) for body in (BODY, b"another tool"))
    pretty = json.dumps(json.loads(good), indent=2).encode() + b"\n"

    lines = verifier.verify(OURS, [Attestation(Form.SIGSTORE_BUNDLE, good + b"\n" + bad + b"\n", "")])
    one = decide(verifier, Form.SIGSTORE_BUNDLE, pretty)

    assert [each.verdict for each in lines] == [Verdict.VERIFIED, Verdict.INVALID]
    assert one.verdict is Verdict.VERIFIED


def test_what_is_no_bundle_under_a_bundles_name_cannot_be_told(verifier: Verifier) -> None:
    found = decide(verifier, Form.SIGSTORE_BUNDLE, b'{"base64Signature": "", "cert": "", "rekorBundle": {}}')

    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "shape")


# --- checksums


@pytest.mark.parametrize(
    "text",
    [
        f"{SHA256}  {TOOL}\n",
        f"{SHA256.upper()} *{TOOL}\r\n",
        f"{OTHER}  other.tgz\n{SHA256}  ./dist/{TOOL}\n",
        f"SHA256 ({TOOL}) = {SHA256}\n",
        f"{SHA256}  {TOOL}\n{SHA512}  {TOOL}\n",
        f"\ufeff{SHA256}  {TOOL}",
        f"{OTHER}  linux/{TOOL}\n{SHA256}  darwin/{TOOL}\n",
        f"{SHA256}  under-another-name.tgz\n",
    ],
)
def test_a_checksum_file_that_names_our_digest_agrees_and_names_no_publisher(verifier: Verifier, text: str) -> None:
    found = decide(verifier, Form.CHECKSUMS, text.encode(), url="https://github.com/a/b/SHA256SUMS")

    assert (found.verdict, found.reason, found.publisher, found.root) == (Verdict.VERIFIED, "checksum", None, "")


@pytest.mark.parametrize(
    "text", [f"{OTHER}  {TOOL}\n", f"{SHA256}  {TOOL}\n{OTHER}  {TOOL}\n", f"{OTHER}  dist/{TOOL}"]
)
def test_another_digest_under_our_name_is_a_mismatch(verifier: Verifier, text: str) -> None:
    found = decide(verifier, Form.CHECKSUMS, text.encode())

    assert (found.verdict, found.reason) == (Verdict.INVALID, "digest-mismatch")


def test_a_digest_alone_is_about_the_file_that_its_file_is_named_after(verifier: Verifier) -> None:
    alone = f"{OTHER}\n".encode()

    own = decide(verifier, Form.CHECKSUMS, alone, url=f"https://github.com/a/b/{TOOL}.sha256")
    foreign = decide(verifier, Form.CHECKSUMS, alone, url="https://github.com/a/b/sha256.txt")

    assert (own.verdict, own.reason) == (Verdict.INVALID, "digest-mismatch")
    assert (foreign.verdict, foreign.reason) == (Verdict.UNATTESTED, "empty")


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("", Verdict.UNATTESTED, "empty"),
        (f"{OTHER}  other.tgz\n", Verdict.UNATTESTED, "empty"),
        (f"{DIGESTS['sha1'].hex}  {TOOL}\n", Verdict.UNATTESTED, "empty"),
        (f"{OTHER}  linux/{TOOL}\n{OTHER}  darwin/{TOOL}\n", Verdict.UNSUPPORTED, "ambiguous"),
        ("\n" * 20_000, Verdict.UNSUPPORTED, "too-large"),
        ("x" * (2**20 + 1), Verdict.UNSUPPORTED, "too-large"),
    ],
)
def test_what_a_checksum_file_does_not_say_is_not_made_up(
    verifier: Verifier, text: str, verdict: Verdict, reason: str
) -> None:
    found = decide(verifier, Form.CHECKSUMS, text.encode())

    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_checksum_alone_makes_no_version_verified(world: World, verifier: Verifier) -> None:
    checksum = decide(verifier, Form.CHECKSUMS, f"{SHA256}  {TOOL}\n".encode())
    differs = decide(verifier, Form.CHECKSUMS, f"{OTHER}  {TOOL}\n".encode())
    bundle = decide(verifier, Form.SIGSTORE_BUNDLE, world.trust.sigstore.file_bundle(BODY, BUILDER))

    assert worst([checksum]) is None
    assert worst([checksum, bundle]) is Verdict.VERIFIED
    assert worst([bundle, differs]) is Verdict.INVALID
