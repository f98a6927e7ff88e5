"""A bundle that a certificate signed: read by us and, where it supports the shape, by sigstore-python.

Both then look at one certificate object, which remembers its extensions: to take them apart is the dearest part of reading a bundle.
"""

from dataclasses import dataclass

from cryptography import x509
from sigstore.errors import Error as SigstoreError
from sigstore.models import Bundle as LibraryBundle

from connectors._sigstore import fulcio
from connectors._sigstore.refusal import Refused
from connectors._sigstore.shape import Bundle

LIBRARY_KINDS = {("dsse", "0.0.1"), ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")}


@dataclass(frozen=True, slots=True)
class Certified:
    """`leaf` is the bundle's certificate, and that of `read`; `raw` is the bundle as it came."""

    bundle: Bundle
    leaf: x509.Certificate
    raw: bytes
    read: LibraryBundle | None  # None: the library does not support it, refuses it, or reads another certificate in it


def certified(bundle: Bundle, raw: bytes) -> Certified:
    """Read the certificate that signed; `bundle` is `raw` as we read it. Raises `Refused`."""
    if bundle.certificate is None:
        raise Refused("type", "signed by a key, not by a builder's certificate")
    own = fulcio.load(bundle.certificate)
    read = _read(raw) if library_supports(bundle) else None
    if read and read.signing_certificate != own:
        read = None
    leaf = read.signing_certificate if read else own
    fulcio.require_extensions(leaf)
    return Certified(bundle, leaf, raw, read)


def library_supports(bundle: Bundle) -> bool:
    """Tell whether sigstore-python decides bundles of this shape."""
    entry = bundle.entry
    if entry is None or entry.inclusion_proof is None or entry.inclusion_proof.checkpoint is None:
        return False
    return (entry.kind_version.kind, entry.kind_version.version) in LIBRARY_KINDS


def _read(raw: bytes) -> LibraryBundle | None:
    """None: refused. Why is told later, when nothing that matters more is wrong with the bundle."""
    try:
        return LibraryBundle.from_json(raw)
    except (SigstoreError, x509.ExtensionNotFound, *fulcio.UNREADABLE):
        return None
