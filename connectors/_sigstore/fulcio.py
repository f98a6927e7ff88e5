"""Signing certificates in the manner of Fulcio: who issued them, when, and what they say of the signer.

Specifications: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md, RFC 6962 (certificate transparency).
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.asn1 import decode_der
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from connectors._sigstore.anchors import Anchors, KnownAuthority, fingerprint, holds
from connectors._sigstore.refusal import Refused, Undecided
from monitor.domain.provenance import Publisher

E = TypeVar("E", bound=x509.ExtensionType)
ARC = "1.3.6.1.4.1.57264.1."
UTF8_FROM = 8
"""Extensions from this arc on are DER text; the older ones are raw text."""
UTF8_STRING, SHORT = 0x0C, 128 + 2
"""The tag in DER, and the size from which the length takes more than one byte."""
UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
    CryptographyDeprecationWarning,  # of a serial number that is none, where warnings are errors
)
ACTIONS = "https://token.actions.githubusercontent.com"


def load(raw: bytes) -> x509.Certificate:
    """Read a certificate's frame; what is in it is read when it is asked for. Raises `Refused`."""
    try:
        return x509.load_der_x509_certificate(raw)
    except UNREADABLE as error:
        raise _unreadable(error) from error


def require_extensions(leaf: x509.Certificate) -> None:
    """Read the extensions and the serial number, which everything begins with. Raises `Refused`."""
    try:
        _ = leaf.extensions
        serial = leaf.serial_number
    except UNREADABLE as error:
        raise _unreadable(error) from error
    if serial <= 0:
        raise Refused("malformed", "the signing certificate has no serial number (RFC 5280, 4.1.2.2)")


def require_readable(leaf: x509.Certificate) -> None:
    """Read all else that is asked for later, so that it cannot fail there. Raises `Refused`."""
    try:
        _ = (leaf.issuer, leaf.subject, leaf.public_key())
        _ = (leaf.not_valid_before_utc, leaf.not_valid_after_utc, [sct.timestamp for sct in _timestamps(leaf)])
    except UNREADABLE as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> Refused:
    return Refused("malformed", f"the signing certificate cannot be read: {error}"[:300])


def knows(anchors: Anchors, leaf: x509.Certificate) -> bool:
    """Tell whether one of the root's authorities has the key that the certificate names as its issuer's. Raises `Refused`."""
    named = _extension(leaf, x509.AuthorityKeyIdentifier)
    if named and named.key_identifier:
        return named.key_identifier in anchors.issuing_keys
    require_readable(leaf)
    # Only the name can be compared; the chain decides.
    return any(ca.subject == leaf.issuer for authority in anchors.authorities for ca in authority.chain)


def known(leaf: x509.Certificate, anchors: Anchors) -> None:
    """Check that the root has the certificate's authority. Raises `Undecided` for a certificate younger than the root, else `Refused`."""
    if knows(anchors, leaf):
        return
    require_readable(leaf)
    name = leaf.issuer.rfc4514_string()
    if leaf.not_valid_before_utc > anchors.file.dated:
        raise Undecided("root", f"{anchors.too_old}; issued by {name!r}, which it may be too old to know")
    raise Refused("certificate", f"issued by {name!r}, which is no authority of {anchors.label}")


def issuer_of(leaf: x509.Certificate, anchors: Anchors, times: Sequence[datetime]) -> x509.Certificate:
    """Verify the certificate's chain at each time, authorities within their windows; return the issuing authority's certificate.

    Raises `Refused`.
    """
    issuers = [_issuer_at(leaf, anchors, at) for at in times]
    return issuers[0]


def _issuer_at(leaf: x509.Certificate, anchors: Anchors, at: datetime) -> x509.Certificate:
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise Refused("expired", f"signed at {at:%Y-%m-%d %H:%M:%S} UTC, outside the lifetime of the certificate")
    fault = "no authority of that name was trusted at that time"
    for authority in anchors.authorities:
        if authority.window.covers(at):
            try:
                return _path(leaf, authority, at)[1]
            except (VerificationError, x509.UnsupportedGeneralNameType, ValueError) as error:
                fault = str(error)
    raise Refused("certificate", f"the certificate's chain does not hold under {anchors.label}: {fault[:200]}")


def _path(leaf: x509.Certificate, authority: KnownAuthority, at: datetime) -> list[x509.Certificate]:
    *intermediates, root = authority.chain
    if not root.not_valid_before_utc <= at <= root.not_valid_after_utc:
        raise ValueError("the root certificate was not valid at that time")
    # Client verification asks for the extended usage "client authentication"; these certificates say "code signing" (see `fits`).
    authorities = ExtensionPolicy.webpki_defaults_ca().may_be_present(
        x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None
    )
    leaves = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    builder = PolicyBuilder().store(Store([root])).time(at)
    verifier = builder.extension_policies(ca_policy=authorities, ee_policy=leaves).build_client_verifier()
    return verifier.verify(leaf, intermediates).chain


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """Return what the certificate says of that kind, None where it says nothing, or where nothing in it can be read.

    By number: by class, each of the two dozen others would be asked whether it is an instance, which takes longer than all else here.
    """
    try:
        value = certificate.extensions.get_extension_for_oid(kind.oid).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    return value if isinstance(value, kind) else None


def fits(leaf: x509.Certificate) -> None:
    """Check that the certificate is one for signing code. Raises `Refused`."""
    usage, extended = _extension(leaf, x509.KeyUsage), _extension(leaf, x509.ExtendedKeyUsage)
    if usage is None or extended is None:
        raise Refused("certificate", "the certificate does not say what it is for")
    if not usage.digital_signature or ExtendedKeyUsageOID.CODE_SIGNING not in extended:
        raise Refused("certificate", "the certificate is not one for signing code")


def log_known(leaf: x509.Certificate, anchors: Anchors) -> None:
    """Raise `Undecided` where the certificate stands in a certificate log that is younger than our root."""
    for sct in _timestamps(leaf):
        if sct.log_id not in anchors.ct_logs and sct.timestamp.replace(tzinfo=UTC) > anchors.file.dated:
            raise Undecided("root", f"{anchors.too_old}; a certificate log that it may be too old to know")


def _timestamps(leaf: x509.Certificate) -> list[SignedCertificateTimestamp]:
    return list(_extension(leaf, x509.PrecertificateSignedCertificateTimestamps) or [])


def logged(leaf: x509.Certificate, issuer: x509.Certificate, anchors: Anchors) -> None:
    """Check the embedded timestamp of the certificate log (RFC 6962, 3.2). Raises `Refused`."""
    scts = _timestamps(leaf)
    if len(scts) != 1:
        raise Refused("certificate", "the certificate does not carry one timestamp of a certificate log")
    (sct,) = scts
    log = anchors.ct_logs.get(sct.log_id)
    at = sct.timestamp.replace(tzinfo=UTC)
    if log is None or not log.window.covers(at) or sct.entry_type is not LogEntryType.PRE_CERTIFICATE:
        raise Refused("certificate", f"the certificate's log is none that {anchors.label} trusts at that time")
    if not holds(log.key, sct.signature, _signed_by_log(sct, at, leaf, issuer)):
        raise Refused("certificate", "the timestamp of the certificate's log does not hold")


def _signed_by_log(
    sct: SignedCertificateTimestamp, at: datetime, leaf: x509.Certificate, issuer: x509.Certificate
) -> bytes:
    milliseconds = round(at.timestamp() * 1000)
    precertificate = leaf.tbs_precertificate_bytes
    return b"".join(
        (
            struct.pack("!BBQH", sct.version.value, 0, milliseconds, sct.entry_type.value),
            fingerprint(issuer.public_key()),
            len(precertificate).to_bytes(3, "big"),
            precertificate,
            struct.pack("!H", len(sct.extension_bytes)),
            sct.extension_bytes,
        )
    )


def publisher(leaf: x509.Certificate) -> Publisher:
    """Read the signer's claims from a verified certificate; those of before 2023 say less."""
    said = _claims(leaf)
    issuer = said.get(8) or said.get(1, "")
    repository = said.get(12, "")
    if not repository and issuer.startswith(ACTIONS) and said.get(5):
        repository = f"https://github.com/{said[5]}"
    name = alternative_name(leaf)
    ref = said.get(14) or said.get(6, "")
    build = _without_ref(said.get(18) or name, (ref, said.get(13) or said.get(3, "")))
    return Publisher(
        issuer=issuer,
        repository=repository,
        workflow=build.removeprefix(f"{repository}/").lstrip("/"),
        ref=ref,
        trigger=said.get(20) or said.get(2, ""),
        runner_environment=said.get(11, ""),
        repository_id=said.get(15, ""),
        owner_id=said.get(17, ""),
        signer=_without_ref(name, (ref,)),
    )


def _without_ref(address: str, refs: Sequence[str]) -> str:
    """Cut the `@ref` from a workflow's address; a ref may hold further at signs (`refs/tags/pkg@1.0`), an e-mail address has no ref."""
    if not address.startswith("https://"):
        return address
    for ref in refs:
        if ref and address.endswith(f"@{ref}"):
            return address.removesuffix(f"@{ref}")
    head, mark, _ = address.partition("@refs/")
    return head if mark else address.rpartition("@")[0] or address


def alternative_name(leaf: x509.Certificate) -> str:
    """Return the certificate's only name, empty where it has several or none."""
    names = list(_extension(leaf, x509.SubjectAlternativeName) or [])
    values = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier | x509.RFC822Name)]
    return values[0] if len(values) == len(names) == 1 else ""


READ = {x509.ObjectIdentifier(f"{ARC}{arc}"): arc for arc in (1, 2, 3, 5, 6, 8, 11, 12, 13, 14, 15, 17, 18, 20)}


def _claims(leaf: x509.Certificate) -> dict[int, str]:
    """Return the texts of the extensions that are read, by the last arc of their OID. Raises `Refused`."""
    said = {}
    for extension in leaf.extensions:
        arc, value = READ.get(extension.oid), extension.value
        if arc is not None and isinstance(value, x509.UnrecognizedExtension):
            try:
                said[arc] = text_of(value.value) if arc >= UTF8_FROM else value.value.decode()
            except ValueError as error:
                raise Refused("malformed", f"the certificate's extension {ARC}{arc} is no text") from error
    return said


def text_of(der: bytes) -> str:
    """Read a UTF8String. One of under 128 bytes, as most are, is read here: the library takes four times as long. Raises ValueError."""
    if 1 < len(der) < SHORT and der[0] == UTF8_STRING and der[1] == len(der) - 2:
        return der[2:].decode()
    return decode_der(str, der)
