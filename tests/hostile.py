"""A megabyte of each kind of hostility: documents that are meant to cost much, for whoever reads documents.

Each has about a megabyte, with as much as fits of what is expensive: signatures that hold, timestamps, subjects, names, digits.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from connectors import sigstore_bundle
from connectors._sigstore import trust_root
from connectors.npm import parse_package
from connectors.pypi import parse_project
from monitor.domain.provenance import Attestation, Form, Subject, TrustRoot
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed
from monitor.ports.sources import Verifier
from tests import hostile_packages
from tests.world.clock import BEGINNING
from tests.world.signing import (
    SLSA,
    NpmKeys,
    Sigstore,
    github_attestations,
    integrity,
    npm_attestations,
    pypi_provenance,
    statement,
)

T = TypeVar("T")
MEGABYTE = 2**20
WHEEL = "weather_mcp-1.0.0-py3-none-any.whl"
BODY = b"the file"
DIGESTS = {name: Digest(name, hashlib.new(name, BODY).hexdigest()) for name in ("sha1", "sha256", "sha512")}
SHA256, SHA512 = DIGESTS["sha256"].hex, DIGESTS["sha512"].hex
NPM, PYPI = Purl.npm("@example/weather", "1.0.0"), Purl.pypi("weather-mcp", "1.0.0")
SHORT_NPM, SHORT_PYPI = Purl.npm("a"), Purl.pypi("a")
"""The shorter a name, the more entries have room."""
SUBJECTS = {
    Form.PYPI_PROVENANCE: Subject(PYPI, WHEEL, DIGESTS),
    Form.NPM_SIGNATURE: Subject(NPM, "weather-1.0.0.tgz", DIGESTS),
    Form.NPM_ATTESTATIONS: Subject(NPM, "weather-1.0.0.tgz", DIGESTS),
    Form.GITHUB_ATTESTATION: Subject(Purl.github("example/weather-mcp", "v1.0.0"), "weather.tar.gz", DIGESTS),
    Form.SIGSTORE_BUNDLE: Subject(Purl.github("example/weather-mcp", "v1.0.0"), "weather.tar.gz", DIGESTS),
    Form.CHECKSUMS: Subject(Purl.github("example/weather-mcp", "v1.0.0"), "weather.tar.gz", DIGESTS),
    Form.REGISTRY_DIGEST: Subject(NPM, "weather-1.0.0.tgz", DIGESTS),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and who reads it; `read` raises nothing."""

    name: str
    size: int
    read: Callable[[], object]


@dataclass(frozen=True, repr=False)
class Signed:
    """A signing world, good documents of it by form, and a verifier that trusts it alone."""

    sigstore: Sigstore
    keys: NpmKeys
    documents: Mapping[Form, bytes]
    verifier: Verifier

    def decide(self, form: Form, document: bytes) -> Callable[[], object]:
        """Return what decides the document."""
        return lambda: self.verifier.verify(SUBJECTS[form], [Attestation(form, document, "https://registry.example/a")])


def signed(folder: Path) -> Signed:
    """Make a signing world; its roots are written into the folder."""
    sigstore, keys = Sigstore(), NpmKeys()
    good, npm = folder / "good.2026-11-01.json", folder / "npm.2026-11-01.json"
    good.write_bytes(sigstore.trusted_root())
    npm.write_bytes(keys.keys())
    registry = {
        "integrity": integrity(SHA512),
        "published_at": BEGINNING.isoformat(),
        "signatures": [keys.sign("@example/weather", "1.0.0", integrity(SHA512))],
    }
    documents = {
        Form.PYPI_PROVENANCE: pypi_provenance(sigstore, WHEEL, SHA256),
        Form.NPM_SIGNATURE: json.dumps(registry).encode(),
        Form.NPM_ATTESTATIONS: npm_attestations(sigstore, keys, "@example/weather", "1.0.0", SHA512),
        Form.GITHUB_ATTESTATION: github_attestations(sigstore, "weather.tar.gz", SHA256),
        Form.SIGSTORE_BUNDLE: sigstore.file_bundle(BODY),
        Form.CHECKSUMS: f"{SHA256}  weather.tar.gz\n".encode(),
    }
    verifier = sigstore_bundle.build(public_good=good, npm_keys=npm, github=good)
    return Signed(sigstore, keys, documents, verifier)


def samples(world: Signed) -> Iterator[Sample]:
    """Yield every kind of hostility for every reader that it can reach."""
    for form, good in world.documents.items():
        for name, document in {**_repeated(form, good), **_anything(good)}.items():
            yield Sample(f"{form.value}: {name}", len(document), world.decide(form, document))
    for name, document in _bundles(world).items():
        yield Sample(f"sigstore-bundle: {name}", len(document), world.decide(Form.SIGSTORE_BUNDLE, document))
    for name, document in _packages().items():
        yield Sample(
            f"npm package: {name}", len(document), refusing(parse_package, document, SHORT_NPM, "https://a.example/p")
        )
    for name, document in _projects().items():
        yield Sample(
            f"PyPI project: {name}",
            len(document),
            refusing(parse_project, document, SHORT_PYPI, "https://a.example/p/"),
        )
    for name, document in {**_anything(world.keys.keys()), **_keys(world)}.items():
        yield Sample(
            f"npm keys: {name}",
            len(document),
            refusing(trust_root.npm_keys, TrustRoot("npm-keys", "f", BEGINNING), document),
        )


def refusing(parse: Callable[..., object], *arguments: object) -> Callable[[], object]:
    """Return the parser's run, whose refusal is an answer, too."""

    def run() -> object:
        try:
            return parse(*arguments)
        except Malformed as error:
            return error

    return run


def _anything(good: bytes) -> dict[str, bytes]:
    """What costs a reader of JSON, whatever it reads: also within a place that is read."""
    deep = b"[" * (MEGABYTE // 2) + b"]" * (MEGABYTE // 2)
    return {
        "deep": deep,
        "deep inside": good.rstrip()[:-1] + b',"z":' + deep + b"}",
        "number": b'{"version": ' + b"9" * MEGABYTE + b"}",
        "numbers": b"[" + b"1e308," * (MEGABYTE // 6) + b"0]",
        "escapes": b'{"a": "' + rb"\u0041" * (MEGABYTE // 6) + b'"}',
        "keys": json.dumps({f"k{number}": 0 for number in range(MEGABYTE // 12)}).encode(),
        "nothing": b" " * MEGABYTE,
        "lines": b"\n" * MEGABYTE,
    }


def _repeated(form: Form, good: bytes) -> dict[str, bytes]:
    """As many claims as fit, each of which holds."""
    times = MEGABYTE // len(good)
    if form is Form.SIGSTORE_BUNDLE:
        return {"claims": b"\n".join([good] * times)}
    if form is Form.CHECKSUMS:
        return {
            "claims": good * min(times, 9_000),
            "one line": b"a" * MEGABYTE,
            "slashes": SHA256.encode() + b" " + b"/" * MEGABYTE,
        }
    document = json.loads(good)
    name = {Form.PYPI_PROVENANCE: "attestation_bundles", Form.NPM_SIGNATURE: "signatures"}.get(form, "attestations")
    document[name] *= times
    return {"claims": json.dumps(document).encode()}


def _bundles(world: Signed) -> dict[str, bytes]:
    """A bundle with too much of one thing, as much of it as a bundle may have."""
    good = json.loads(world.documents[Form.SIGSTORE_BUNDLE])
    subjects = [{"name": f"f{number}", "digest": {"sha256": f"{number:064x}"}} for number in range(4_000)]
    many = json.loads(statement({}, SLSA, {}))
    many["subject"] = subjects
    proof = good["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    note = proof["checkpoint"]["envelope"]
    lined = json.loads(json.dumps(good))
    lined_proof = lined["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    lined_proof["checkpoint"]["envelope"] = note + note.rpartition("\n\n")[2] * 3_000
    padded = json.loads(json.dumps(good))
    padded["messageSignature"]["signature"] = "A" * (400 * 1024)
    certificate = json.loads(json.dumps(good))
    certificate["verificationMaterial"]["certificate"]["rawBytes"] = "MIIB" + "A" * (400 * 1024)
    stamps = json.loads(json.dumps(good))
    stamps["verificationMaterial"]["timestampVerificationData"] = {
        "rfc3161Timestamps": [{"signedTimestamp": "MIIB" + "A" * (12 * 1024) + f"{number:04}"} for number in range(32)]
    }
    return {
        "subjects": world.sigstore.bundle(json.dumps(many).encode()),
        "cosignatures": json.dumps(lined).encode(),
        "signature": json.dumps(padded).encode(),
        "certificate": json.dumps(certificate).encode(),
        "timestamps": json.dumps(stamps).encode(),
    }


def _packages() -> dict[str, bytes]:
    entry = {"version": "1.0.0", "dist": {"tarball": "https://a.example/t.tgz"}}
    small = json.dumps({"name": SHORT_NPM.label, "versions": {"1.0.0": entry}}).encode()
    return {**hostile_packages.packages(SHORT_NPM.label, integrity(SHA512)), **_anything(small)}


def _projects() -> dict[str, bytes]:
    small = json.dumps({"meta": {"api-version": "1.4"}, "name": SHORT_PYPI.label, "versions": [], "files": []}).encode()
    return {**hostile_packages.projects(SHORT_PYPI.name, SHA256), **_anything(small)}


def _keys(world: Signed) -> dict[str, bytes]:
    keys = json.loads(world.keys.keys())
    keys["keys"] *= MEGABYTE // 300
    return {"many": json.dumps(keys).encode()}


def small_packages() -> tuple[bytes, ...]:
    """A package document of npm's and a project page of PyPI's with one version each, for whoever mutates them."""
    dist = {"tarball": "t.tgz", "integrity": integrity(SHA512), "signatures": [{"keyid": "k", "sig": "s"}]}
    version = {"version": "1.0.0", "dist": {**dist, "attestations": {"url": "a"}}, "deprecated": "no"}
    package = {"name": NPM.label, "versions": {"1.0.0": version}, "time": {"1.0.0": "2026-01-01T00:00:00Z"}}
    file = {"filename": WHEEL, "url": "f", "hashes": {"sha256": SHA256}, "yanked": "why", "size": 3, "provenance": "p"}
    timed = {**file, "upload-time": "2026-01-01T00:00:00Z"}
    project = {"meta": {"api-version": "1.4"}, "name": PYPI.label, "versions": ["1.0.0"], "files": [timed]}
    return json.dumps(package).encode(), json.dumps(project).encode()
