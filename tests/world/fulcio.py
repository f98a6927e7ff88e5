"""A private certificate authority in the manner of Fulcio, with its own certificate log."""

import hashlib
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.world.transparency import sign, spki

FOUNDED_AT = datetime(2021, 1, 1, tzinfo=UTC)
DISSOLVED_AT = datetime(2041, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)


class Fulcio:
    """A root, an authority below it, and the certificate log whose timestamps it embeds."""

    def __init__(self) -> None:
        root_key, self._ca_key, self.ct_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self._root = _authority("Example Root", root_key, "Example Root", root_key, path_length=1)
        self._ca = _authority("Example CA", self._ca_key, "Example Root", root_key, path_length=0)

    @property
    def chain(self) -> tuple[x509.Certificate, x509.Certificate]:
        """The authority and its root, in the order of a trusted_root.json."""
        return self._ca, self._root

    def certificate(
        self, key: ec.EllipticCurvePrivateKey, uri: str, extensions: Mapping[int, bytes], *, at: datetime
    ) -> x509.Certificate:
        """Issue a signing certificate that lives for ten minutes; `extensions` by the last arc of Fulcio's OIDs."""
        builder = (
            _builder("", key, self._ca.subject, at, at + LIFETIME)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._ca_key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=True)
        )
        for arc, value in extensions.items():
            oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{arc}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        # The certificate log signs the certificate without the timestamp that it is about to return (RFC 6962, 3.2).
        precertificate = builder.sign(self._ca_key, hashes.SHA256()).tbs_certificate_bytes
        return builder.add_extension(self._sct(precertificate, at), critical=False).sign(self._ca_key, hashes.SHA256())

    def _sct(self, precertificate: bytes, at: datetime) -> x509.UnrecognizedExtension:
        milliseconds = round(at.timestamp() * 1000)
        issuer = hashlib.sha256(spki(self._ca_key)).digest()
        length = len(precertificate).to_bytes(3, "big")
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + issuer + length + precertificate + b"\x00\x00"
        signature = sign(self.ct_key, signed)
        log_id = hashlib.sha256(spki(self.ct_key)).digest()
        sct = struct.pack("!B32sQHBBH", 0, log_id, milliseconds, 0, 4, 3, len(signature)) + signature
        sct_list = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), der(0x04, sct_list))


def _authority(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, *, path_length: int
) -> x509.Certificate:
    return (
        _builder(name, key, _name(issuer), FOUNDED_AT, DISSOLVED_AT)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(digital_signature=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, digital_signature: bool) -> x509.KeyUsage:
    """Return the usage of a leaf that signs, else of an authority."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=not digital_signature,
        crl_sign=not digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def utf8(value: str) -> bytes:
    """Encode a DER UTF8String."""
    return der(0x0C, value.encode())


def der(tag: int, value: bytes) -> bytes:
    """Encode one DER value of any length."""
    size = len(value)
    if size < 0x80:  # the short form (X.690, 8.1.3.4)
        return bytes([tag, size]) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + value
