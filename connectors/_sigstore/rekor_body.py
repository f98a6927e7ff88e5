"""What a log entry says was signed. It must be what the bundle says, or the entry is that of something else (CVE-2022-36056).

Kinds: dsse/0.0.1, intoto/0.0.2, hashedrekord/0.0.1 and (the second generation of logs) hashedrekord/0.0.2.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import msgspec

from connectors._sigstore.refusal import Refused, Undecided
from connectors._sigstore.shape import Entry, Envelope

SHA256 = {"sha256", "SHA2_256"}


@dataclass(frozen=True, slots=True)
class Logged:
    """Digest of what was signed, signature, and who signed (certificate or key in DER)."""

    digest: bytes
    signature: bytes
    verifier: bytes


class _Hash(msgspec.Struct):
    algorithm: str
    value: str


class _DsseSignature(msgspec.Struct):
    signature: bytes
    verifier: bytes


class _Dsse(msgspec.Struct, rename="camel"):
    payload_hash: _Hash
    signatures: list[_DsseSignature]


class _IntotoSignature(msgspec.Struct, rename="camel"):
    sig: bytes
    public_key: bytes


class _IntotoEnvelope(msgspec.Struct, rename="camel"):
    payload_type: str
    signatures: list[_IntotoSignature]


class _IntotoContent(msgspec.Struct, rename="camel"):
    envelope: _IntotoEnvelope
    payload_hash: _Hash


class _Intoto(msgspec.Struct):
    content: _IntotoContent


class _Data(msgspec.Struct):
    hash: _Hash


class _Pem(msgspec.Struct):
    content: bytes


class _RecordSignature(msgspec.Struct, rename="camel"):
    content: bytes
    public_key: _Pem


class _Record(msgspec.Struct):
    data: _Data
    signature: _RecordSignature


class _RawBytes(msgspec.Struct, rename="camel"):
    raw_bytes: bytes


class _Verifier(msgspec.Struct, rename="camel"):
    x509_certificate: _RawBytes | None = msgspec.field(name="x509Certificate", default=None)  # None: a key
    public_key: _RawBytes | None = None  # None: a certificate


class _Record2Signature(msgspec.Struct):
    content: bytes
    verifier: _Verifier


class _Data2(msgspec.Struct):
    algorithm: str
    digest: bytes


class _Record2(msgspec.Struct):
    data: _Data2
    signature: _Record2Signature


class _Record2Spec(msgspec.Struct):
    record: _Record2 = msgspec.field(name="hashedRekordV002")


class _Body(msgspec.Struct, rename="camel"):
    kind: str
    api_version: str
    spec: msgspec.Raw


def consistent(entry: Entry, said: Logged, *, envelope: Envelope | None, pae: bytes) -> None:
    """Check that the entry is the bundle's own. `said.digest` is that of a bare signature's file. Raises `Refused` or `Undecided`.

    `envelope`: None for a bare signature.
    """
    try:
        body = msgspec.json.decode(entry.canonicalized_body, type=_Body)
        kind = f"{body.kind}/{body.api_version}"
        logged = _read(kind, body.spec, envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError) as error:
        raise Refused("malformed", f"the log entry's body cannot be read: {error}") from error
    if kind != f"{entry.kind_version.kind}/{entry.kind_version.version}":
        raise Refused("log", "the log entry is labelled as another kind than it is")
    digest = said.digest
    if envelope:
        digest = hashlib.sha256(pae if kind == "hashedrekord/0.0.2" else envelope.payload).digest()
    if logged != Logged(digest, said.signature, said.verifier):
        raise Refused("log", "the log entry is that of something else")


def _read(kind: str, spec: msgspec.Raw, envelope: Envelope | None) -> Logged:
    match kind:
        case "dsse/0.0.1" if envelope:
            dsse = msgspec.json.decode(spec, type=_Dsse)
            (signed,) = dsse.signatures
            return Logged(_digest(dsse.payload_hash), signed.signature, _pem(signed.verifier))
        case "intoto/0.0.2" if envelope:
            content = msgspec.json.decode(spec, type=_Intoto).content
            (once,) = content.envelope.signatures
            if content.envelope.payload_type != envelope.payload_type:
                raise Refused("log", "the log entry is that of another type of payload")
            # The log kept the envelope's base64 text as bytes, and wrote these as base64 again.
            return Logged(
                _digest(content.payload_hash), base64.b64decode(once.sig, validate=True), _pem(once.public_key)
            )
        case "hashedrekord/0.0.1" if envelope is None:
            record = msgspec.json.decode(spec, type=_Record)
            signature = record.signature
            return Logged(_digest(record.data.hash), signature.content, _pem(signature.public_key.content))
        case "hashedrekord/0.0.2":
            record2 = msgspec.json.decode(spec, type=_Record2Spec).record
            verifier = record2.signature.verifier.x509_certificate or record2.signature.verifier.public_key
            if verifier is None or record2.data.algorithm not in SHA256:
                raise Undecided("shape", "a log entry without key, or of another hash than SHA-256")
            return Logged(record2.data.digest, record2.signature.content, verifier.raw_bytes)
        case _:  # any text may come
            raise Undecided("shape", f"a log entry of the kind {kind[:40]!r}")


def _digest(noted: _Hash) -> bytes:
    if noted.algorithm not in SHA256:
        raise Undecided("shape", f"a log entry with a {noted.algorithm[:20]} hash")
    return bytes.fromhex(noted.value)


def _pem(pem: bytes) -> bytes:
    """Return the DER inside."""
    lines = pem.decode("ascii").strip().splitlines()
    return base64.b64decode("".join(lines[1:-1]), validate=True)
