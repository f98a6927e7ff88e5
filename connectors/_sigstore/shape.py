"""The sigstore bundle as JSON: v0.1 to v0.3, with a certificate or the name of a key, an envelope or a bare signature.

Specification: https://docs.sigstore.dev/about/bundle/. int64 comes as text, bytes as base64.
"""

from collections.abc import Mapping

import msgspec

from connectors._sigstore.refusal import Refused, Undecided

MAX_BUNDLE = 512 * 2**10
"""Bytes. The largest honest bundle known has 24 kB."""
MAX_WORK = 24
"""Units, for one document. Honest ones have a handful of bundles, with one timestamp each or none."""
MAX_TIMESTAMPS = 32
MAX_PROOF = 64
"""Hashes: enough for a log of 2^64 entries."""
VERSIONS: Mapping[str, int] = {
    "application/vnd.dev.sigstore.bundle+json;version=0.1": 1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2": 2,
    "application/vnd.dev.sigstore.bundle+json;version=0.3": 3,
    "application/vnd.dev.sigstore.bundle.v0.3+json": 3,
}


class Raw(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate in DER."""

    raw_bytes: bytes


class RawChain(msgspec.Struct, frozen=True, rename="camel"):
    """Certificates, the signing one first."""

    certificates: list[Raw]


class KeyHint(msgspec.Struct, frozen=True, rename="camel"):
    """The name of the key that signed."""

    hint: str = ""


class Kind(msgspec.Struct, frozen=True, rename="camel"):
    """What was logged."""

    kind: str
    version: str


class LogId(msgspec.Struct, frozen=True, rename="camel"):
    """Which log."""

    key_id: bytes


class Promise(msgspec.Struct, frozen=True, rename="camel"):
    """The log's signed promise to include the entry at a time (SET)."""

    signed_entry_timestamp: bytes


class Checkpoint(msgspec.Struct, frozen=True, rename="camel"):
    """The log's signed state, a signed note."""

    envelope: str


class Proof(msgspec.Struct, frozen=True, rename="camel"):
    """Where the entry is in the tree."""

    root_hash: bytes
    tree_size: int
    checkpoint: Checkpoint | None = None  # None: absent, which is refused
    log_index: int = 0
    hashes: list[bytes] = []


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A transparency log's entry."""

    log_id: LogId
    kind_version: Kind
    canonicalized_body: bytes
    log_index: int = 0
    integrated_time: int | None = None  # None: a log that gives no time
    inclusion_promise: Promise | None = None  # None: not in every log
    inclusion_proof: Proof | None = None  # None: v0.1 may do without


class Stamp(msgspec.Struct, frozen=True, rename="camel"):
    """An RFC 3161 response in DER."""

    signed_timestamp: bytes


class Stamps(msgspec.Struct, frozen=True, rename="camel"):
    """Timestamps over the signature."""

    rfc3161_timestamps: list[Stamp] | None = None  # None: as empty


class Material(msgspec.Struct, frozen=True, rename="camel"):
    """What the verification needs besides the signature."""

    certificate: Raw | None = None  # None: v0.1 and v0.2 have a chain, or there is a key
    x509_certificate_chain: RawChain | None = msgspec.field(name="x509CertificateChain", default=None)  # None: as above
    public_key: KeyHint | None = None  # None: there is a certificate
    tlog_entries: list[Entry] | None = None  # None: as empty
    timestamp_verification_data: Stamps | None = None  # None: as empty


class Signature(msgspec.Struct, frozen=True, rename="camel"):
    """An envelope's signature."""

    sig: bytes


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """A DSSE envelope."""

    payload: bytes
    payload_type: str
    signatures: list[Signature]


class MessageDigest(msgspec.Struct, frozen=True, rename="camel"):
    """A note of what was signed, not to be trusted."""

    digest: bytes


class MessageSignature(msgspec.Struct, frozen=True, rename="camel"):
    """A signature over the file itself."""

    signature: bytes
    message_digest: MessageDigest | None = None  # None: not noted


class Bundle(msgspec.Struct, frozen=True, rename="camel"):
    """A bundle of which only the shape is known to be good."""

    media_type: str
    verification_material: Material
    dsse_envelope: Envelope | None = None  # None: there is a message signature
    message_signature: MessageSignature | None = None  # None: there is an envelope

    @property
    def version(self) -> int:
        """The minor number: 1, 2 or 3."""
        return VERSIONS[self.media_type]

    @property
    def signature(self) -> bytes:
        """The one signature."""
        if self.dsse_envelope:
            return self.dsse_envelope.signatures[0].sig
        return self.message_signature.signature if self.message_signature else b""

    @property
    def certificate(self) -> bytes | None:
        """The signing certificate, None where a named key signed."""
        material = self.verification_material
        if material.certificate:
            return material.certificate.raw_bytes
        chain = material.x509_certificate_chain
        return chain.certificates[0].raw_bytes if chain else None

    @property
    def entry(self) -> Entry | None:
        """The log entry, None where there is none."""
        entries = self.verification_material.tlog_entries
        return entries[0] if entries else None

    @property
    def stamps(self) -> list[bytes]:
        """The RFC 3161 responses."""
        stamps = self.verification_material.timestamp_verification_data
        if stamps is None or not stamps.rfc3161_timestamps:
            return []
        return [stamp.signed_timestamp for stamp in stamps.rfc3161_timestamps]


class _Typed(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str


_BUNDLE, _TYPED = msgspec.json.Decoder(Bundle, strict=False), msgspec.json.Decoder(_Typed)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Work:
    """What may still be spent on one document, in units of one or two milliseconds: a bundle is one, each of its timestamps two."""

    def __init__(self, units: int = MAX_WORK) -> None:
        """Begin with so many units."""
        self._left = units

    def spend(self, units: int) -> None:
        """Take units. Raises `Undecided` where there are none left."""
        if units > self._left:
            raise Undecided("too-large", "the document has more bundles and timestamps than are looked at")
        self._left -= units


def parse(raw: bytes, work: Work) -> Bundle:
    """Read a bundle. Raises `Refused` (malformed) or `Undecided` (a version or a shape that is not known, or too much)."""
    if len(raw) > MAX_BUNDLE:
        raise Undecided("too-large", f"the bundle has more than {MAX_BUNDLE} bytes")
    try:
        bundle = _BUNDLE.decode(raw)
    except UNREADABLE as error:
        _require_known(raw)  # a bundle of a later version may well have another shape
        raise Refused("malformed", f"not a sigstore bundle: {error}") from error
    if bundle.media_type not in VERSIONS:
        _require_known(raw)
    stamps = bundle.stamps
    _check(bundle, stamps)
    work.spend(1 + 2 * len(stamps))
    return bundle


def _require_known(raw: bytes) -> None:
    try:
        media_type = _TYPED.decode(raw).media_type
    except UNREADABLE as error:
        raise Refused("malformed", f"not a sigstore bundle: {error}") from error
    if media_type not in VERSIONS:
        raise Undecided("shape", f"a bundle of the unknown type {media_type[:80]!r}")


def _check(bundle: Bundle, stamps: list[bytes]) -> None:
    material, entry = bundle.verification_material, bundle.entry
    chain = material.x509_certificate_chain
    if chain is not None and not chain.certificates:
        raise Refused("malformed", "the bundle's certificate chain is empty")
    if (bundle.certificate is None) == (material.public_key is None):
        raise Refused("malformed", "the bundle needs either a certificate or the name of a key")
    if (bundle.dsse_envelope is None) == (bundle.message_signature is None):
        raise Refused("malformed", "the bundle needs either an envelope or a signature")
    if bundle.dsse_envelope and len(bundle.dsse_envelope.signatures) != 1:
        raise Refused("malformed", "the envelope needs exactly one signature")
    if len(material.tlog_entries or []) > 1:
        raise Undecided("shape", "the bundle has more than one log entry")
    if len(stamps) > MAX_TIMESTAMPS or len(set(stamps)) < len(stamps):
        raise Refused("time", "the bundle repeats a timestamp, or has too many")
    proof = entry.inclusion_proof if entry else None
    if proof and (len(proof.hashes) > MAX_PROOF or not 0 <= proof.log_index < proof.tree_size):
        raise Refused("log", "the inclusion proof cannot be one")
