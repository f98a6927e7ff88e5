"""Who signed a bundle, and when: the steps that every bundle goes through, whoever takes them.

sigstore-python decides the shapes that it supports. It does not support promises without proof, intoto entries, named keys and instances
without a log, and does not look at when a root trusts its authorities and logs: these are decided here.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from sigstore.errors import Error as SigstoreError
from sigstore.hashes import Hashed
from sigstore.models import Bundle as LibraryBundle
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from connectors._sigstore import fulcio, rekor, timestamp
from connectors._sigstore.anchors import Anchors, holds, holds_for_digest, spki
from connectors._sigstore.certified import Certified, library_supports
from connectors._sigstore.refusal import Refused
from connectors._sigstore.rekor_body import Logged, consistent
from connectors._sigstore.shape import Bundle, Entry
from monitor.domain.provenance import Publisher

PROOF_SINCE = 2
"""From bundle v0.2 on the proof of inclusion is demanded; v0.1 may carry only the promise."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and when at the earliest that is proven. `payload` None: a bare signature over the file itself."""

    payload_type: str
    payload: bytes | None
    at: datetime

    @property
    def minute(self) -> str:
        """The time in UTC, for reviewers."""
        return self.at.isoformat(" ", "minutes").removesuffix("+00:00")


def by_certificate(certified: Certified, anchors: Anchors, *, sha256: bytes) -> tuple[Signed, Publisher]:
    """Verify a bundle that a certificate signed; `sha256` is the file's, for bare signatures.

    Raises `Refused` or `Undecided` with the first step that fails.
    """
    bundle, leaf = certified.bundle, certified.leaf
    # 1. The root knows the authority that the certificate names.
    fulcio.known(leaf, anchors)
    # 2. to 9. as below, by the library, under what was trusted at every time that the bundle claims. What it refuses is told by the steps.
    signed = _at_once(certified, anchors, sha256=sha256)
    if signed:
        return signed, fulcio.publisher(leaf)
    # 2. The certificate can be read, and the root knows the certificate log in which it stands.
    fulcio.require_readable(leaf)
    if anchors.ct_logs:
        fulcio.log_known(leaf, anchors)
    # 3. Some trusted clock saw the signature, while the log that has it was trusted.
    times = _times(bundle, anchors)
    # 4. An authority that was trusted at each of these times issued the certificate, which was valid then.
    issuer = fulcio.issuer_of(leaf, anchors, times)
    if anchors.library and library_supports(bundle):
        # 5. to 9. as below, by the library.
        _by_library(certified, anchors.library.whole, sha256=sha256)
        return _signed(bundle, times), fulcio.publisher(leaf)
    # 5. The certificate stands in a certificate log, where the instance has one.
    if anchors.ct_logs:
        fulcio.logged(leaf, issuer, anchors)
    # 6. The certificate is for signing code.
    fulcio.fits(leaf)
    # 7. The signature stands in a transparency log, where the instance has one.
    if anchors.logs:
        _logged(bundle, anchors, times)
    # 8. The certificate's key made the signature.
    _signature(bundle, leaf.public_key(), sha256=sha256)
    # 9. The log's entry is this bundle's.
    if anchors.logs:
        _consistent(bundle, leaf.public_bytes(Encoding.DER), sha256=sha256)
    return _signed(bundle, times), fulcio.publisher(leaf)


def _at_once(certified: Certified, anchors: Anchors, *, sha256: bytes) -> Signed | None:
    """Let the library verify the bundle under what was trusted at each time that it claims; None where it refuses or cannot say."""
    bundle = certified.bundle
    if anchors.library is None or certified.read is None:
        return None
    promised_at, stamped = rekor.integrated_at(_entry(bundle)), [timestamp.said(stamp) for stamp in bundle.stamps]
    times = [at for at in (promised_at, *stamped) if at]
    # The library verifies a promise always; of several timestamps it does not tell which hold.
    if None in stamped or not (promised_at or len(stamped) == 1):
        return None
    library = anchors.library.at(times)
    if library is None:
        return None
    try:
        _by_library(certified, library, sha256=sha256)
    except (Refused, *fulcio.UNREADABLE):
        return None
    return _signed(bundle, times[:1])


def by_key(bundle: Bundle, key: PublicKeyTypes, anchors: Anchors, *, sha256: bytes) -> Signed:
    """Verify a bundle that a known key signed: steps 3, 7, 8 and 9 above. When a key is good is the caller's to say."""
    times = _times(bundle, anchors)
    _logged(bundle, anchors, times)
    _signature(bundle, key, sha256=sha256)
    _consistent(bundle, spki(key), sha256=sha256)
    return _signed(bundle, times)


def _times(bundle: Bundle, anchors: Anchors) -> list[datetime]:
    """Return the verified times, at least one; a log's time counts only with its promise."""
    times = timestamp.times(bundle.stamps, bundle.signature, anchors)
    if not anchors.logs:
        return _some(times)
    entry = _entry(bundle)
    promised_at = rekor.integrated_at(entry)
    if promised_at:
        rekor.promised(entry, rekor.log_of(entry, anchors, promised_at))
        times.append(promised_at)
    for at in times:
        rekor.log_of(entry, anchors, at)
    return _some(times)


def _some(times: list[datetime]) -> list[datetime]:
    if not times:
        raise Refused("time", "nothing proves when the signature was made")
    return times


def _entry(bundle: Bundle) -> Entry:
    if bundle.entry is None:
        raise Refused("log", "the bundle has no log entry")
    return bundle.entry


def _logged(bundle: Bundle, anchors: Anchors, times: list[datetime]) -> None:
    entry = _entry(bundle)
    if entry.inclusion_proof or bundle.version >= PROOF_SINCE:
        rekor.included(entry, rekor.log_of(entry, anchors, times[0]))
    elif rekor.integrated_at(entry) is None:
        raise Refused("log", "the log entry has neither proof nor promise")


def _signature(bundle: Bundle, key: PublicKeyTypes, *, sha256: bytes) -> None:
    if bundle.message_signature:
        noted = bundle.message_signature.message_digest
        if noted and noted.digest != sha256:
            raise Refused("digest-mismatch", "the bundle is that of another file")
        held = holds_for_digest(key, bundle.signature, sha256)
    else:
        held = holds(key, bundle.signature, _pae(bundle))
    if not held:
        raise Refused("signature", "the signature does not hold")


def _consistent(bundle: Bundle, verifier: bytes, *, sha256: bytes) -> None:
    said = Logged(sha256, bundle.signature, verifier)
    consistent(_entry(bundle), said, envelope=bundle.dsse_envelope, pae=_pae(bundle))


def _pae(bundle: Bundle) -> bytes:
    """Return what an envelope's signature signs; empty for a bare signature."""
    envelope = bundle.dsse_envelope
    if envelope is None:
        return b""
    kind = envelope.payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(envelope.payload), envelope.payload)


def _signed(bundle: Bundle, times: list[datetime]) -> Signed:
    envelope = bundle.dsse_envelope
    return Signed(envelope.payload_type if envelope else "", envelope.payload if envelope else None, min(times))


class _Anyone:
    """The library's policy that demands nothing: who signed is read from the certificate, and judged by the rules."""

    def verify(self, cert: x509.Certificate) -> None:
        """Accept."""


def _by_library(certified: Certified, library: Verifier, *, sha256: bytes) -> None:
    bundle, read = certified.bundle, certified.read
    try:
        if read is None:
            LibraryBundle.from_json(certified.raw)  # raises, but for a bundle in which it reads another certificate
            raise Refused("malformed", "the bundle can be read in two ways")
        if bundle.dsse_envelope:
            signed = library.verify_dsse(read, _Anyone())
            if signed != (bundle.dsse_envelope.payload_type, bundle.dsse_envelope.payload):
                raise Refused("malformed", "the bundle can be read in two ways")
        else:
            hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=sha256)
            library.verify_artifact(hashed, read, _Anyone())
    except SigstoreError as error:
        raise Refused(_word(str(error)), f"sigstore-python says: {error}"[:200]) from error
    except ValueError as error:
        raise Refused("malformed", f"the bundle cannot be read: {error}"[:300]) from error


def _word(error: str) -> str:
    """Name the library's refusal; its texts are all there is."""
    words = {
        "log entry": "log",
        "inclusion": "log",
        "checkpoint": "log",
        "timestamp": "time",
        "digest": "digest-mismatch",
    }
    words |= {"SCT": "certificate", "cert": "certificate"}
    return next((word for part, word in words.items() if part in error), "signature")
