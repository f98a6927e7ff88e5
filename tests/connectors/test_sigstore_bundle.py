"""Attacks on the verifier, with signatures made for the purpose by a private sigstore."""

import base64
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import sigstore_bundle
from monitor.domain.provenance import Attestation, Form, Publisher, Subject, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed
from monitor.ports.sources import Verifier
from tests import corpus
from tests.world.signing import (
    SIGNED_AT,
    SLSA,
    Identity,
    NpmKeys,
    Sigstore,
    github_attestations,
    integrity,
    npm_attestations,
    pypi_provenance,
    statement,
)

WHEEL = "weather_mcp-1.0.0-py3-none-any.whl"
DIGESTS = {name: Digest(name, hashlib.new(name, b"the file").hexdigest()) for name in ("sha1", "sha256", "sha512")}
SHA256, SHA512 = DIGESTS["sha256"].hex, DIGESTS["sha512"].hex
ON_PYPI = Subject(Purl.pypi("weather-mcp", "1.0.0"), WHEEL, DIGESTS)
ON_NPM = Subject(Purl.npm("@example/weather", "1.0.0"), "weather-1.0.0.tgz", DIGESTS)
ON_GITHUB = Subject(Purl.github("example/weather-mcp", "v1.0.0"), "weather.tar.gz", DIGESTS)


@dataclass(frozen=True)
class Roots:
    """A private signing world, and the verifier that trusts it alone."""

    sigstore: Sigstore
    keys: NpmKeys
    verifier: Verifier

    @cached_property
    def documents(self) -> dict[Form, bytes]:
        """A good document of each form, signed once."""
        return {
            Form.REGISTRY_DIGEST: b"{}",
            Form.PYPI_PROVENANCE: pypi_provenance(self.sigstore, WHEEL, SHA256),
            Form.NPM_SIGNATURE: signature(self.keys),
            Form.NPM_ATTESTATIONS: npm_attestations(self.sigstore, self.keys, "@example/weather", "1.0.0", SHA512),
            Form.GITHUB_ATTESTATION: github_attestations(self.sigstore, "weather.tar.gz", SHA256),
            Form.SIGSTORE_BUNDLE: self.sigstore.file_bundle(b"the file"),
            Form.CHECKSUMS: json.dumps(f"{SHA256}  weather.tar.gz").encode(),
        }

    def decide(self, subject: Subject, form: Form, document: bytes) -> tuple[Verification, ...]:
        """Ask about one document."""
        return self.verifier.verify(subject, [Attestation(form, document, "https://registry.example/a")])

    def one(self, subject: Subject, form: Form, document: bytes) -> Verification:
        """Ask about a document of one claim."""
        (only,) = self.decide(subject, form, document)
        return only


def trust(folder: Path, sigstore: Sigstore, keys: NpmKeys, *, day: str = "2026-11-01") -> Roots:
    good, npm = folder / f"good.{day}.json", folder / f"npm.{day}.json"
    good.write_bytes(sigstore.trusted_root())
    npm.write_bytes(keys.keys())
    return Roots(sigstore, keys, sigstore_bundle.build(public_good=good, npm_keys=npm, github=good))


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Roots:
    return trust(tmp_path_factory.mktemp("roots"), Sigstore(), NpmKeys())


def signature(keys: NpmKeys, version: str = "1.0.0", *, published_at: datetime | None = SIGNED_AT) -> bytes:
    document = {
        "integrity": integrity(SHA512),
        "published_at": published_at.isoformat() if published_at else None,
        "signatures": [keys.sign("@example/weather", version, integrity(SHA512))],
    }
    return json.dumps(document).encode()


# --- what holds ------------------------------------------------------------------------------------------------------


def test_a_verified_claim_names_the_publisher_that_its_certificate_names(roots: Roots) -> None:
    identity = Identity(ref="refs/tags/weather@1.0.0", trigger="release", runner_environment="self-hosted")

    found = roots.one(ON_PYPI, Form.PYPI_PROVENANCE, pypi_provenance(roots.sigstore, WHEEL, SHA256, identity))

    assert (found.verdict, found.reason, found.root) == (Verdict.VERIFIED, "publish", "public-good of 2026-11-01")
    assert found.digests == tuple(sorted(DIGESTS.values()))
    assert found.publisher == Publisher(
        issuer="https://token.actions.githubusercontent.com",
        repository="https://github.com/example/weather-mcp",
        workflow=".github/workflows/release.yml",
        ref="refs/tags/weather@1.0.0",
        trigger="release",
        runner_environment="self-hosted",
        repository_id="1001",
        owner_id="2002",
        signer="https://github.com/example/weather-mcp/.github/workflows/release.yml",
    )


def test_npm_attests_publication_and_build_as_two_claims(roots: Roots) -> None:
    document = npm_attestations(roots.sigstore, roots.keys, "@example/weather", "1.0.0", SHA512)

    publish, build = roots.decide(ON_NPM, Form.NPM_ATTESTATIONS, document)

    assert (publish.verdict, publish.reason, publish.publisher) == (Verdict.VERIFIED, "publish", None)
    assert (build.verdict, build.reason) == (Verdict.VERIFIED, "build")
    assert build.publisher is not None


def test_the_registrys_signature_and_githubs_attestation_hold(roots: Roots) -> None:
    registry = roots.one(ON_NPM, Form.NPM_SIGNATURE, signature(roots.keys))
    github = roots.one(
        ON_GITHUB, Form.GITHUB_ATTESTATION, github_attestations(roots.sigstore, "weather.tar.gz", SHA256)
    )

    assert (registry.verdict, registry.reason) == (Verdict.VERIFIED, "signature")
    assert (github.verdict, github.reason) == (Verdict.VERIFIED, "build")


# --- forgeries and replays -------------------------------------------------------------------------------------------


def test_a_stranger_with_a_sigstore_of_his_own_forges_nothing(roots: Roots) -> None:
    stranger, keys = Sigstore(), NpmKeys()
    npm = npm_attestations(stranger, keys, "@example/weather", "1.0.0", SHA512)

    pypi = roots.one(ON_PYPI, Form.PYPI_PROVENANCE, pypi_provenance(stranger, WHEEL, SHA256))
    publish, build = roots.decide(ON_NPM, Form.NPM_ATTESTATIONS, npm)

    assert (pypi.verdict, pypi.reason, pypi.publisher) == (Verdict.INVALID, "certificate", None)
    assert build.verdict is Verdict.INVALID
    assert (publish.verdict, publish.reason) == (Verdict.UNSUPPORTED, "key")


def test_what_is_younger_than_the_root_and_unknown_to_it_cannot_be_told(tmp_path: Path) -> None:
    stale = trust(tmp_path, Sigstore(), NpmKeys(), day="2025-12-31")

    found = stale.one(ON_PYPI, Form.PYPI_PROVENANCE, pypi_provenance(Sigstore(), WHEEL, SHA256))

    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "root")
    assert "2025-12-31" in found.detail


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(Purl.pypi("weather-mcp", "1.0.1"), WHEEL.replace("1.0.0", "1.0.1"), DIGESTS), "version-mismatch"),
        (Subject(Purl.pypi("whether-mcp", "1.0.0"), WHEEL.replace("weather", "whether"), DIGESTS), "name-mismatch"),
        (Subject(ON_PYPI.purl, "weather_mcp-1.0.0.tar.gz", DIGESTS), "name-mismatch"),
        (Subject(Purl.pypi("weather-mcp", "1.0.1"), WHEEL, DIGESTS), "name-mismatch"),
        (Subject(ON_PYPI.purl, WHEEL, {"sha256": Digest("sha256", "00" * 32)}), "digest-mismatch"),
        (Subject(ON_PYPI.purl, WHEEL, {}), "digest-mismatch"),
    ],
)
def test_a_good_attestation_of_another_file_is_worth_nothing(roots: Roots, subject: Subject, reason: str) -> None:
    found = roots.one(subject, Form.PYPI_PROVENANCE, pypi_provenance(roots.sigstore, WHEEL, SHA256))

    assert (found.verdict, found.reason, found.publisher) == (Verdict.INVALID, reason, None)


def test_the_attestations_and_the_signature_of_one_version_are_not_those_of_the_next(roots: Roots) -> None:
    following = Subject(ON_NPM.purl.at("1.0.1"), "weather-1.0.1.tgz", DIGESTS)
    document = npm_attestations(roots.sigstore, roots.keys, "@example/weather", "1.0.0", SHA512)

    claims = roots.decide(following, Form.NPM_ATTESTATIONS, document)
    registry = roots.one(following, Form.NPM_SIGNATURE, signature(roots.keys))

    assert [(one.verdict, one.reason) for one in claims] == [(Verdict.INVALID, "version-mismatch")] * 2
    assert (registry.verdict, registry.reason) == (Verdict.INVALID, "signature")


def test_a_publisher_that_the_certificate_does_not_name_is_refused(roots: Roots) -> None:
    provenance = json.loads(pypi_provenance(roots.sigstore, WHEEL, SHA256))
    provenance["attestation_bundles"][0]["publisher"]["repository"] = "example/famous"

    found = roots.one(ON_PYPI, Form.PYPI_PROVENANCE, json.dumps(provenance).encode())

    assert (found.verdict, found.reason) == (Verdict.INVALID, "identity")


def test_a_publisher_of_an_unknown_kind_costs_only_itself(roots: Roots) -> None:
    provenance = json.loads(pypi_provenance(roots.sigstore, WHEEL, SHA256))
    (known,) = provenance["attestation_bundles"]
    provenance["attestation_bundles"].append(known | {"publisher": {"kind": "NewForge", "project": 7}})

    first, second = roots.decide(ON_PYPI, Form.PYPI_PROVENANCE, json.dumps(provenance).encode())

    assert first.verdict is Verdict.VERIFIED
    assert (second.verdict, second.reason) == (Verdict.UNSUPPORTED, "shape")


def test_a_workflow_cannot_speak_for_github_itself(roots: Roots) -> None:
    predicate = {"repository": "example/weather-mcp", "tag": "v1.0.0"}
    subject: dict[str, object] = {"name": "weather.tar.gz", "digest": {"sha256": SHA256}}
    claim = statement(subject, "https://in-toto.io/attestation/release/v0.2", predicate)
    document = b'{"attestations": [{"bundle": %s}]}' % roots.sigstore.bundle(claim)

    found = roots.one(ON_GITHUB, Form.GITHUB_ATTESTATION, document)

    assert (found.verdict, found.reason) == (Verdict.INVALID, "identity")


def test_a_label_does_not_turn_a_registrys_word_into_a_builders(roots: Roots) -> None:
    document = json.loads(npm_attestations(roots.sigstore, roots.keys, "@example/weather", "1.0.0", SHA512))
    publish, provenance = document["attestations"]
    publish["predicateType"], provenance["predicateType"] = provenance["predicateType"], publish["predicateType"]

    claims = roots.decide(ON_NPM, Form.NPM_ATTESTATIONS, json.dumps(document).encode())

    assert [(one.verdict, one.reason) for one in claims] == [(Verdict.INVALID, "type")] * 2


@pytest.mark.parametrize(
    ("published_at", "verdict"),
    [
        (SIGNED_AT - timedelta(seconds=1), Verdict.VERIFIED),
        (SIGNED_AT, Verdict.INVALID),
        (None, Verdict.VERIFIED),
    ],
)
def test_a_key_vouches_for_nothing_that_was_published_after_its_end(
    tmp_path: Path, published_at: datetime | None, verdict: Verdict
) -> None:
    retired = trust(tmp_path, Sigstore(), NpmKeys(expires=SIGNED_AT))

    found = retired.one(ON_NPM, Form.NPM_SIGNATURE, signature(retired.keys, published_at=published_at))

    assert found.verdict is verdict


def test_a_publish_attestation_after_the_keys_end_is_refused(tmp_path: Path) -> None:
    retired = trust(tmp_path, Sigstore(), NpmKeys(expires=SIGNED_AT))
    document = npm_attestations(retired.sigstore, retired.keys, "@example/weather", "1.0.0", SHA512)

    publish, _ = retired.decide(ON_NPM, Form.NPM_ATTESTATIONS, document)

    assert (publish.verdict, publish.reason) == (Verdict.INVALID, "expired")


# --- hostile documents -----------------------------------------------------------------------------------------------


def test_a_document_that_holds_no_claim_says_that_nobody_vouches(roots: Roots) -> None:
    empty = {
        Form.PYPI_PROVENANCE: b'{"version": 1, "attestation_bundles": []}',
        Form.NPM_ATTESTATIONS: b'{"attestations": []}',
        Form.GITHUB_ATTESTATION: b'{"attestations": []}',
        Form.NPM_SIGNATURE: b'{"integrity": "sha512-x", "published_at": null, "signatures": []}',
    }

    found = [roots.one(ON_NPM, form, document) for form, document in empty.items()]

    assert {(one.verdict, one.reason) for one in found} == {(Verdict.UNATTESTED, "empty")}
    assert roots.verifier.verify(ON_NPM, []) == ()


def test_too_much_is_not_read_and_not_called_good(roots: Roots) -> None:
    many = b'{"attestations": [' + b",".join([b'{"bundle": null}'] * 1000) + b"]}"
    document = Attestation(Form.NPM_SIGNATURE, signature(roots.keys), "")

    huge = roots.one(ON_NPM, Form.NPM_ATTESTATIONS, b" " * (sigstore_bundle.MAX_DOCUMENT + 1))
    claims = roots.decide(ON_GITHUB, Form.GITHUB_ATTESTATION, many)
    documents = roots.verifier.verify(ON_NPM, [document] * 1000)

    assert (huge.verdict, huge.reason) == (Verdict.UNSUPPORTED, "too-large")
    assert len(claims) == sigstore_bundle.MAX_CLAIMS + 1
    assert len(documents) == sigstore_bundle.MAX_DOCUMENTS + 1
    assert {claims[-1].reason, documents[-1].reason} == {"too-large"}


def test_a_deeply_nested_document_is_an_answer_too(roots: Roots) -> None:
    deep = b'{"attestations": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    for form in Form:
        assert roots.one(ON_NPM, form, deep).verdict in {Verdict.INVALID, Verdict.UNSUPPORTED, Verdict.UNATTESTED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def hostile(document: object, path: list[int], replacement: object) -> object:
    """Replace one value, anywhere in the tree: `path` chooses a branch at each level, and ends where it ends."""
    if not path or not isinstance(document, dict | list) or not document:
        return replacement
    keys: list[object] = list(document) if isinstance(document, dict) else list(range(len(document)))
    chosen = keys[path[0] % len(keys)]
    changed = document.copy()
    changed[chosen] = hostile(document[chosen], path[1:], replacement)  # type: ignore[call-overload]  # a key of this very tree
    return changed


@given(form=st.sampled_from(Form), path=st.lists(st.integers(0, 20), min_size=1, max_size=9), replacement=JSON)
@settings(max_examples=300, deadline=None)
def test_no_shape_of_a_document_makes_the_verifier_raise(
    roots: Roots, form: Form, path: list[int], replacement: object
) -> None:
    document = json.loads(roots.documents[form])

    for one in roots.decide(SUBJECTS[form], form, json.dumps(hostile(document, path, replacement)).encode()):
        assert isinstance(one, Verification)


@given(form=st.sampled_from(Form), document=st.binary(max_size=64) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=200, deadline=None)
def test_nothing_that_nobody_signed_is_verified(roots: Roots, form: Form, document: bytes) -> None:
    found = roots.decide(SUBJECTS[form], form, document)

    assert found
    assert all(one.verdict is not Verdict.VERIFIED and one.publisher is None for one in found)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_no_bit_of_the_statement_or_the_signature_can_be_changed(roots: Roots, position: int, bit: int) -> None:
    provenance = json.loads(roots.documents[Form.PYPI_PROVENANCE])
    envelope = provenance["attestation_bundles"][0]["attestations"][0]["envelope"]
    field = ("statement", "signature")[position % 2]
    raw = bytearray(base64.b64decode(envelope[field]))
    raw[position % len(raw)] ^= 1 << bit
    envelope[field] = base64.b64encode(raw).decode()

    found = roots.one(ON_PYPI, Form.PYPI_PROVENANCE, json.dumps(provenance).encode())

    assert found.verdict is Verdict.INVALID


SUBJECTS = {
    Form.PYPI_PROVENANCE: ON_PYPI,
    Form.NPM_SIGNATURE: ON_NPM,
    Form.NPM_ATTESTATIONS: ON_NPM,
    Form.GITHUB_ATTESTATION: ON_GITHUB,
    Form.SIGSTORE_BUNDLE: ON_GITHUB,
    Form.CHECKSUMS: ON_GITHUB,
    Form.REGISTRY_DIGEST: ON_NPM,
}


# --- trust roots -----------------------------------------------------------------------------------------------------


def test_the_shipped_root_is_the_one_that_the_library_carries() -> None:
    (shipped,) = [root for root in sigstore_bundle.build().roots() if root.name == "public-good"]
    carried = files("sigstore._store").joinpath("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")

    assert json.loads(Path(shipped.path).read_bytes()) == json.loads(carried.read_bytes())


def test_each_root_is_named_with_its_day(roots: Roots) -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)

    assert [(root.name, root.dated) for root in roots.verifier.roots()] == [
        ("public-good", day),
        ("github", day),
        ("npm-keys", day),
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b"<html>", b'{"keys": 7}'])
def test_a_root_file_that_is_none_is_refused_at_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root.json"
    path.write_bytes(content)

    with pytest.raises(Malformed, match=r"root\.json"):
        sigstore_bundle.build(public_good=path)
    with pytest.raises(Malformed, match=r"root\.json"):
        sigstore_bundle.build(npm_keys=path)
    with pytest.raises(Malformed, match=r"missing\.json"):
        sigstore_bundle.build(github=tmp_path / "missing.json")


def test_githubs_own_instance_cannot_be_told_without_its_root() -> None:
    bundle = corpus.path("attestations/cases/github-attestation/gh-attest-prober-13531551/bundle.json").read_bytes()
    document = Attestation(Form.GITHUB_ATTESTATION, b'{"attestations": [{"bundle": %s}]}' % bundle, "")

    (found,) = sigstore_bundle.build().verify(ON_GITHUB, [document])

    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "root")
    assert found.detail.endswith("there is no root for GitHub's own instance")


def test_building_the_verifier_does_not_load_the_libraries() -> None:
    program = "import sys, connectors.sigstore_bundle as it; it.build(); print({'sigstore', 'cryptography'} & set(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - this very interpreter

    assert loaded.stdout.strip() == "set()"


def test_the_claim_about_the_build_type_is_read_from_the_statement(roots: Roots) -> None:
    found = roots.one(ON_GITHUB, Form.GITHUB_ATTESTATION, roots.documents[Form.GITHUB_ATTESTATION])

    assert SLSA in found.detail
