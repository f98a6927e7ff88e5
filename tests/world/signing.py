"""A private sigstore and a private npm registry key: signatures are made here, valid and invalid ones, not recorded.

Everything is real: the certificate chain, the certificate log's timestamp, the transparency log's proofs. Two objects trust each other as
little as two strangers do, so a forgery is what another `Sigstore()` or `NpmKeys()` signs.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pypi_attestations import AttestationType

from monitor.domain.purl import Purl
from tests.world import transparency
from tests.world.fulcio import FOUNDED_AT, Fulcio, utf8
from tests.world.transparency import sign, spki, text

SIGNED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
IN_TOTO = "application/vnd.in-toto+json"
NPM_PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
PYPI_PUBLISH = AttestationType.PYPI_PUBLISH_V1.value
SLSA = "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, slots=True)
class Identity:
    """The workflow that signs, as its certificate tells it."""

    issuer: str = "https://token.actions.githubusercontent.com"
    repository: str = "example/weather-mcp"
    workflow: str = "release.yml"
    ref: str = "refs/tags/v1.0.0"
    trigger: str = "push"
    runner_environment: str = "github-hosted"
    repository_id: str = "1001"
    owner_id: str = "2002"
    host: str = "https://github.com"
    commit: str = "0123456789abcdef0123456789abcdef01234567"

    @property
    def url(self) -> str:
        """The repository's address."""
        return f"{self.host}/{self.repository}"

    @property
    def build_config(self) -> str:
        """The workflow's address at its ref."""
        return f"{self.url}/.github/workflows/{self.workflow}@{self.ref}"

    def extensions(self) -> dict[int, bytes]:
        """Fulcio's extensions by the last arc of their OID: the old ones raw, those from 8 on as DER text."""
        old = {1: self.issuer, 2: self.trigger, 3: self.commit, 4: "release", 5: self.repository, 6: self.ref}
        new = {
            8: self.issuer,
            9: self.build_config,
            10: self.commit,
            11: self.runner_environment,
            12: self.url,
            13: self.commit,
            14: self.ref,
            15: self.repository_id,
            16: f"{self.host}/{self.repository.split('/')[0]}",
            17: self.owner_id,
            18: self.build_config,
            19: self.commit,
            20: self.trigger,
            21: f"{self.url}/actions/runs/1/attempts/1",
            22: "public",
        }
        return {arc: value.encode() for arc, value in old.items()} | {arc: utf8(value) for arc, value in new.items()}


class Sigstore:
    """A certificate authority, a certificate log and a transparency log, with fresh keys."""

    def __init__(self) -> None:
        self._fulcio = Fulcio()
        self._log = transparency.Log()

    def trusted_root(self) -> bytes:
        """Return the trusted_root.json under which these signatures, and no others, hold."""
        window = {"start": FOUNDED_AT.isoformat().replace("+00:00", "Z")}
        authority = {
            "subject": {"organization": "example", "commonName": "Example Root"},
            "uri": "https://fulcio.example",
            "certChain": {
                "certificates": [{"rawBytes": text(ca.public_bytes(Encoding.DER))} for ca in self._fulcio.chain]
            },
            "validFor": window,
        }
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log_instance(f"https://{transparency.HOST}", self._log.key, window)],
            "certificateAuthorities": [authority],
            "ctlogs": [_log_instance("https://ct.example", self._fulcio.ct_key, window)],
            "timestampAuthorities": [],
        }
        return json.dumps(root).encode()

    def bundle(self, statement: bytes, identity: Identity | None = None, *, at: datetime = SIGNED_AT) -> bytes:
        """Sign the in-toto statement; return the bundle (v0.3, DSSE, one dsse/0.0.1 entry). `at`: the time of the signature."""
        key = ec.generate_private_key(ec.SECP256R1())
        identity = identity or Identity()
        certificate = self._fulcio.certificate(key, identity.build_config, identity.extensions(), at=at)
        material: dict[str, object] = {"certificate": {"rawBytes": text(certificate.public_bytes(Encoding.DER))}}
        media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
        return self.log(statement, key, material, certificate.public_bytes(Encoding.PEM), media_type=media_type, at=at)

    def file_bundle(self, body: bytes, identity: Identity | None = None, *, at: datetime = SIGNED_AT) -> bytes:
        """Sign a file as it is; return the bundle (v0.3, bare signature, one hashedrekord/0.0.1 entry) that clients put beside it."""
        key = ec.generate_private_key(ec.SECP256R1())
        identity = identity or Identity()
        certificate = self._fulcio.certificate(key, identity.build_config, identity.extensions(), at=at)
        signature, pem = text(sign(key, body)), certificate.public_bytes(Encoding.PEM)
        spec = {
            "signature": {"content": signature, "publicKey": {"content": text(pem)}},
            "data": {"hash": _sha256(body)},
        }
        fields = {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
        logged = json.dumps(fields, separators=(",", ":")).encode()
        entry = self._log.add("hashedrekord", "0.0.1", logged, at + timedelta(seconds=1))
        digest = {"algorithm": "SHA2_256", "digest": text(hashlib.sha256(body).digest())}
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": text(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [entry],
            },
            "messageSignature": {"messageDigest": digest, "signature": signature},
        }
        return json.dumps(bundle).encode()

    def log(
        self,
        statement: bytes,
        key: ec.EllipticCurvePrivateKey,
        material: dict[str, object],
        verifier: bytes,
        *,
        media_type: str,
        at: datetime,
        keyid: str = "",
    ) -> bytes:
        """Sign the statement with any key, log it under `verifier` (PEM), and return the bundle with that material."""
        signature = text(sign(key, pae(statement)))
        envelope = {
            "payload": text(statement),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": signature, "keyid": keyid}],
        }
        spec = {
            "envelopeHash": _sha256(json.dumps(envelope).encode()),
            "payloadHash": _sha256(statement),
            "signatures": [{"signature": signature, "verifier": text(verifier)}],
        }
        body = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}, separators=(",", ":")).encode()
        entry = self._log.add("dsse", "0.0.1", body, at + timedelta(seconds=1))
        bundle = {
            "mediaType": media_type,
            "verificationMaterial": material
            | {"tlogEntries": [entry], "timestampVerificationData": {"rfc3161Timestamps": []}},
            "dsseEnvelope": envelope,
        }
        return json.dumps(bundle).encode()


class NpmKeys:
    """A registry's signing key. `expires`: when the registry says that it stops using it; None, it does not."""

    def __init__(self, *, expires: datetime | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._expires = expires
        digest = hashlib.sha256(spki(self._key)).digest()
        self.keyid = f"SHA256:{text(digest).rstrip('=')}"

    def keys(self) -> bytes:
        """Return the registry's key list."""
        key = {
            "keyid": self.keyid,
            "key": text(spki(self._key)),
            "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256",
            "expires": self._expires.isoformat() if self._expires else None,
        }
        return json.dumps({"keys": [key]}).encode()

    def sign(self, name: str, version: str, integrity: str) -> dict[str, str]:
        """Return the entry for `dist.signatures`."""
        return {"keyid": self.keyid, "sig": text(sign(self._key, f"{name}@{version}:{integrity}".encode()))}

    def publish_bundle(
        self, sigstore: Sigstore, name: str, version: str, sha512_hex: str, *, at: datetime = SIGNED_AT
    ) -> bytes:
        """Return the publish attestation's bundle (v0.2, public key), logged by `sigstore`."""
        subject = _npm_subject(name, version, sha512_hex)
        predicate = {"name": name, "version": version, "registry": "https://registry.example"}
        claim = statement(subject, NPM_PUBLISH, predicate, statement_type="https://in-toto.io/Statement/v0.1")
        media_type = "application/vnd.dev.sigstore.bundle+json;version=0.2"
        pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        material: dict[str, object] = {"publicKey": {"hint": self.keyid}}
        return sigstore.log(claim, self._key, material, pem, media_type=media_type, at=at, keyid=self.keyid)


def pypi_provenance(
    sigstore: Sigstore,
    filename: str,
    sha256_hex: str,
    identity: Identity | None = None,
    *,
    at: datetime = SIGNED_AT,
) -> bytes:
    """Return the provenance object (PEP 740) with one publish attestation."""
    identity = identity or Identity()
    subject: dict[str, object] = {"name": filename, "digest": {"sha256": sha256_hex}}
    bundle = json.loads(sigstore.bundle(statement(subject, PYPI_PUBLISH, None), identity, at=at))
    material = bundle["verificationMaterial"]
    envelope = bundle["dsseEnvelope"]
    attestation = {
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }
    publisher = {
        "kind": "GitHub",
        "repository": identity.repository,
        "workflow": identity.workflow,
        "environment": None,
    }
    answer = {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": [attestation]}]}
    return json.dumps(answer).encode()


def npm_attestations(  # noqa: PLR0917 - parallel to the other two
    sigstore: Sigstore,
    keys: NpmKeys,
    name: str,
    version: str,
    sha512_hex: str,
    identity: Identity | None = None,
    *,
    at: datetime = SIGNED_AT,
) -> bytes:
    """Return the attestation endpoint's answer: the registry's publish attestation and the builder's provenance."""
    provenance = sigstore.bundle(statement(_npm_subject(name, version, sha512_hex), SLSA, {}), identity, at=at)
    publish = keys.publish_bundle(sigstore, name, version, sha512_hex, at=at)
    attestations = [
        {"predicateType": NPM_PUBLISH, "bundle": json.loads(publish)},
        {"predicateType": SLSA, "bundle": json.loads(provenance)},
    ]
    return json.dumps({"attestations": attestations}).encode()


def github_attestations(
    sigstore: Sigstore,
    filename: str,
    sha256_hex: str,
    identity: Identity | None = None,
    *,
    at: datetime = SIGNED_AT,
) -> bytes:
    """Return the attestation endpoint's answer: one build provenance."""
    subject: dict[str, object] = {"name": filename, "digest": {"sha256": sha256_hex}}
    bundle = sigstore.bundle(statement(subject, SLSA, {}), identity, at=at)
    return json.dumps({"attestations": [{"bundle": json.loads(bundle), "repository_id": 1001}]}).encode()


def statement(
    subject: dict[str, object],
    predicate_type: str,
    predicate: object,
    *,
    statement_type: str = "https://in-toto.io/Statement/v1",
) -> bytes:
    """Return an in-toto statement about one subject."""
    fields = {"_type": statement_type, "subject": [subject], "predicateType": predicate_type, "predicate": predicate}
    return json.dumps(fields, separators=(",", ":")).encode()


def pae(payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """Return what a DSSE signature signs."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def integrity(sha512_hex: str) -> str:
    """Return npm's `dist.integrity` text of a digest."""
    return f"sha512-{base64.b64encode(bytes.fromhex(sha512_hex)).decode()}"


def _npm_subject(name: str, version: str, sha512_hex: str) -> dict[str, object]:
    return {"name": str(Purl.npm(name, version)), "digest": {"sha512": sha512_hex}}


def _sha256(raw: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(raw).hexdigest()}


def _log_instance(url: str, key: ec.EllipticCurvePrivateKey, window: dict[str, str]) -> dict[str, object]:
    public_key = {"rawBytes": text(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window}
    log_id = {"keyId": text(hashlib.sha256(spki(key)).digest())}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public_key, "logId": log_id}
