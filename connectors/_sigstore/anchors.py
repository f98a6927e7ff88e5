"""A trust root, loaded: the keys and certificates by which signatures are judged."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from connectors._sigstore.library import Library
from connectors._sigstore.refusal import Undecided
from connectors._sigstore.trust_root import Authority, Log, SigstoreRoot, Window
from monitor.domain.provenance import TrustRoot

# The library warns on every bundle that carries its root certificate; what matters comes back as a verdict.
logging.getLogger("sigstore").setLevel(logging.ERROR)

HASHES: Mapping[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
"""By the curve's size in bits, as the sigstore project's algorithm registry pairs them."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log's key, and when it is trusted."""

    id: bytes
    key: PublicKeyTypes
    window: Window


@dataclass(frozen=True, slots=True)
class KnownAuthority:
    """An authority's certificates, from the issuing one to the root, and when the root trusts it.

    `valid` is that part of the window in which each of the certificates is valid, too.
    """

    chain: tuple[x509.Certificate, ...]
    window: Window
    valid: Window


@dataclass(frozen=True, slots=True)
class Anchors:
    """One sigstore instance as we know it."""

    file: TrustRoot
    authorities: tuple[KnownAuthority, ...]
    issuing_keys: frozenset[bytes]
    logs: Mapping[bytes, KnownLog]
    ct_logs: Mapping[bytes, KnownLog]
    stamp_authorities: tuple[KnownAuthority, ...]
    library: Library | None  # None: an instance without logs, which the library does not verify

    @property
    def label(self) -> str:
        """Name and day, for reviewers."""
        return f"{self.file.name} of {self.file.dated.date()}"

    @property
    def too_old(self) -> str:
        """Begins what is said of something younger than this root."""
        return f"cannot tell: root of {self.file.dated:%Y-%m-%d} ({self.file.name})"


def load(file: TrustRoot, root: SigstoreRoot, raw: bytes) -> Anchors:
    """Load keys and certificates. Raises `Undecided` when they are none."""
    try:
        authorities, stamps = _authorities(root.certificate_authorities), _authorities(root.timestamp_authorities)
        return Anchors(
            file=file,
            authorities=authorities,
            issuing_keys=frozenset(key for each in authorities for ca in each.chain if (key := _identifier(ca))),
            logs=_logs(root.tlogs),
            ct_logs=_logs(root.ctlogs),
            stamp_authorities=stamps,
            library=_library(raw, root, authorities, stamps) if root.tlogs and root.ctlogs else None,
        )
    except ValueError as error:
        raise Undecided("root", f"the trust root {file.path} cannot be used: {error}") from error


def _logs(logs: list[Log]) -> dict[bytes, KnownLog]:
    return {
        log.log_id.key_id: KnownLog(
            log.log_id.key_id, load_der_public_key(log.public_key.raw_bytes), log.public_key.valid_for
        )
        for log in logs
    }


def _authorities(authorities: list[Authority]) -> tuple[KnownAuthority, ...]:
    return tuple(
        _authority(
            tuple(x509.load_der_x509_certificate(raw.raw_bytes) for raw in authority.cert_chain.certificates),
            authority.valid_for,
        )
        for authority in authorities
    )


def _authority(chain: tuple[x509.Certificate, ...], window: Window) -> KnownAuthority:
    start = max([window.start, *(each.not_valid_before_utc for each in chain)])
    ends = [*([window.end] if window.end else []), *(each.not_valid_after_utc for each in chain)]
    return KnownAuthority(chain, window, Window(start, min(ends, default=None)))


def _identifier(certificate: x509.Certificate) -> bytes | None:
    """Return the key's name in a certificate of an authority, None where it has none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return None


def _library(
    raw: bytes, root: SigstoreRoot, loaded: Sequence[KnownAuthority], stamps: Sequence[KnownAuthority]
) -> Library:
    sections = {
        "certificateAuthorities": [authority.valid for authority in loaded],
        "tlogs": [log.public_key.valid_for for log in root.tlogs],
    }
    if stamps:
        sections["timestampAuthorities"] = [authority.valid for authority in stamps]
    return Library(raw, sections)


def spki(key: PublicKeyTypes) -> bytes:
    """Return the key in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: PublicKeyTypes) -> bytes:
    """Return the digest by which certificate logs name keys."""
    return hashlib.sha256(spki(key)).digest()


def holds(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """Tell whether the key signed the message. Raises `Undecided` for a kind of key that no part of sigstore uses."""
    try:
        match key:
            case ec.EllipticCurvePublicKey() if key.curve.key_size in HASHES:
                key.verify(signature, message, ec.ECDSA(HASHES[key.curve.key_size]))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            case _:
                raise Undecided("key", f"a signature by a {type(key).__name__}")
    except InvalidSignature:
        return False
    return True


def holds_for_digest(key: PublicKeyTypes, signature: bytes, sha256: bytes) -> bool:
    """Tell whether the key signed the file of that digest. Raises `Undecided` for a key that signs no digests."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Undecided("key", f"a signature by a {type(key).__name__} over a file of which only the digest is here")
    try:
        key.verify(signature, sha256, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    except ValueError as error:  # a digest of another length
        raise Undecided("key", "the file's sha256 was not computed") from error
    return True
