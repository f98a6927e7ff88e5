import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.npm import parse_package
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, Manifest, RegistrySignature, Release, Standing
from monitor.ports.errors import Malformed

PACKAGE = Purl.npm("@acme/files")
URL = "https://registry.example/npm/@acme%2Ffiles"
SHA512 = Digest("sha512", "ab" * 64)
INTEGRITY = "sha512-" + b64encode(b"\xab" * 64).decode()
SHA256 = "sha256-" + b64encode(b"\xcd" * 32).decode()
SHASUM = "0" * 40


def entry(version: str = "1.0.0", dist: dict[str, object] | None = None, **fields: object) -> dict[str, object]:
    made = {"tarball": f"/t/{version}.tgz", "integrity": INTEGRITY, "shasum": SHASUM} | (dist or {})
    return {"version": version, "dist": made, **fields}


def document(*entries: dict[str, object], **fields: object) -> bytes:
    versions = {str(each.get("version")): each for each in entries}
    return json.dumps({"name": "@acme/files", "versions": versions, **fields}).encode()


def read(*entries: dict[str, object], **fields: object) -> Listing:
    return parse_package(document(*entries, **fields), PACKAGE, URL)


def only(*entries: dict[str, object], **fields: object) -> Release:
    (release,) = read(*entries, **fields).releases
    return release


def test_a_version_is_read_whole() -> None:
    said = {
        "signatures": [{"keyid": "SHA256:k", "sig": "c2ln"}],
        "attestations": {
            "url": "https://elsewhere.example/-/npm/v1/attestations/@acme%2ffiles@1.0.0",
            "provenance": {},
        },
        "unpackedSize": 10_000,
    }

    release = only(entry(dist=said), time={"created": "x", "1.0.0": "2026-01-02T03:04:05.678Z"})

    artifact = Artifact(
        "files-1.0.0.tgz",
        "https://registry.example/t/1.0.0.tgz",
        SHA512,
        size=None,
        attestation_url="https://elsewhere.example/-/npm/v1/attestations/@acme%2ffiles@1.0.0",
        signatures=(RegistrySignature("SHA256:k", "c2ln"),),
    )
    published = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert release == Release(PACKAGE.at("1.0.0"), published, (artifact,), manifest=Manifest(unpacked=10_000))


@pytest.mark.parametrize(
    ("integrity", "expected"),
    [
        (INTEGRITY, SHA512),
        (f"{SHA256} {INTEGRITY}?opt md5-AAAA", SHA512),
        (SHA256, Digest("sha256", "cd" * 32)),
        ("", Digest("sha1", SHASUM)),
    ],
)
def test_the_best_digest_is_kept(integrity: str, expected: Digest) -> None:
    assert only(entry(dist={"integrity": integrity})).artifacts[0].digest == expected


def test_a_version_without_any_digest_is_listed_without_one() -> None:
    assert only(entry(dist={"integrity": "", "shasum": ""})).artifacts[0].digest is None


@pytest.mark.parametrize("integrity", [f"{SHA256} {INTEGRITY}", f"{INTEGRITY}?opt", "", f" {INTEGRITY}"])
def test_signatures_over_a_text_that_is_not_kept_are_left_out(integrity: str) -> None:
    signatures = [{"keyid": "k", "sig": "s"}]

    release = only(entry(dist={"integrity": integrity, "signatures": signatures}))

    assert release.artifacts[0].signatures == ()


@pytest.mark.parametrize("time", [None, "yesterday", "2026-01-02T03:04:05", 5, {"unpublished": "x"}])
def test_a_time_that_cannot_be_read_is_no_time(time: object) -> None:
    assert only(entry(), time={"1.0.0": time}).published_at is None


@pytest.mark.parametrize(
    ("deprecated", "expected"),
    [("use other\x07", r"use other\u{7}"), ("", None), (False, None), (None, None), (True, ""), ({"odd": 1}, "")],
)
def test_a_deprecation_is_a_text_and_an_empty_one_takes_it_back(deprecated: object, expected: str | None) -> None:
    assert only(entry(deprecated=deprecated)).deprecated == expected


def test_versions_that_stand_in_the_times_alone_were_unpublished_and_are_not_listed() -> None:
    times = {"1.0.0": "2026-01-01T00:00:00Z", "1.0.1": "2026-01-02T00:00:00Z"}

    listing = read(entry(), time=times)

    assert [release.version for release in listing.releases] == ["1.0.0"]
    assert listing.complete


def test_a_package_that_was_unpublished_as_a_whole_says_so() -> None:
    body = {"name": "@acme/files", "time": {"created": "x", "unpublished": {"time": "x", "versions": ["1.0.0"]}}}

    listing = parse_package(json.dumps(body).encode(), PACKAGE, URL)

    assert (listing.releases, listing.standing) == ((), Standing.UNPUBLISHED)


@pytest.mark.parametrize(
    ("latest", "standing"),
    [
        ("0.0.1-security", Standing.SECURITY_HOLDER),
        ("0.0.1-security.4", Standing.SECURITY_HOLDER),
        ("0.0.1-securityfix", Standing.ACTIVE),
        ("1.0.0", Standing.ACTIVE),
    ],
)
def test_a_security_holder_is_told_by_its_tag_and_not_by_order(latest: str, standing: Standing) -> None:
    assert read(entry(latest), **{"dist-tags": {"latest": latest}}).standing is standing


@pytest.mark.parametrize(
    "bad",
    [
        {"version": "2.0.0"},
        entry("2.0.0", dist={"integrity": "sha512-short"}),
        entry("2.0.0", dist={"integrity": "md5-AAAA"}),
        entry("2.0.0", dist={"integrity": "", "shasum": "zz"}),
        entry("2.0.0", dist={"tarball": ""}),
        entry("2.0.0", dist={"tarball": "http://[half"}),
        entry("2.0.0", dist={"signatures": "k"}),
        entry("2.0.0", dist={"attestations": {"provenance": {}}}),
        entry("2 0"),
        entry("2" * 300),
    ],
)
def test_an_entry_that_is_none_costs_itself_and_the_listing_says_that_it_is_not_complete(
    bad: dict[str, object],
) -> None:
    listing = read(bad, entry())

    assert [release.version for release in listing.releases] == ["1.0.0"]
    assert not listing.complete


def test_an_entry_that_is_filed_under_another_version_is_none() -> None:
    body = json.dumps({"name": "@acme/files", "versions": {"1.0.0": entry(), "1.0.1": entry("1.0.0")}}).encode()

    listing = parse_package(body, PACKAGE, URL)

    assert [release.version for release in listing.releases] == ["1.0.0"]
    assert not listing.complete


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"{}",
        b'{"error": "not found"}',
        b'{"name": "@acme/files"}',
        b'{"name": "@acme/files", "versions": {}, "time": {"unpublished": "2026-01-01T00:00:00Z"}}',
        document(entry(), name="@acme/other"),
        document(entry(), name="@Acme/files"),
        document({"version": "1.0.0"}),
        document(entry(), versions=["1.0.0"]),
        document(entry(), **{"dist-tags": {"latest": 1}}),
    ],
)
def test_a_document_that_is_no_answer_is_malformed_and_not_empty(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_package(body, PACKAGE, URL)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=15,
)
DIST_KEYS = st.sampled_from(["tarball", "integrity", "shasum", "signatures", "attestations"])
KEYS = st.sampled_from(["name", "versions", "time", "dist-tags"])


@given(st.dictionaries(DIST_KEYS, JSON), st.dictionaries(KEYS, JSON), st.binary(max_size=50))
def test_no_input_raises_anything_but_malformed(dist: dict[str, object], top: dict[str, object], noise: bytes) -> None:
    for body in (document(entry(dist=dist), entry("2.0.0")), document(entry(), **top), noise):
        try:
            parse_package(body, PACKAGE, URL)
        except Malformed:
            continue
