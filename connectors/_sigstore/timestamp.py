"""Signed timestamps of a timestamp authority (RFC 3161)."""

from datetime import UTC, datetime

from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from connectors._sigstore.anchors import Anchors, KnownAuthority
from connectors._sigstore.refusal import Refused, Undecided

SHORTEST = 2
"""Certificates: the one that signs, and a root."""


def said(stamp: bytes) -> datetime | None:
    """Return the time that a stamp tells, unverified; None for bytes that are no timestamp."""
    try:
        return _said(decode_timestamp_response(stamp))
    except ValueError:
        return None


def times(stamps: list[bytes], signature: bytes, anchors: Anchors) -> list[datetime]:
    """Return the times at which a trusted authority saw the signature; a stamp of an unknown authority proves nothing and costs nothing.

    Raises `Refused` for bytes that are no timestamp, and `Undecided` where none holds and one is younger than our root.
    """
    try:
        responses = [decode_timestamp_response(stamp) for stamp in stamps]
    except ValueError as error:
        raise Refused("malformed", "a timestamp cannot be read") from error
    held = [at for response in responses if (at := _time(response, signature, anchors))]
    if not held and any(_said(response) > anchors.file.dated for response in responses):
        raise Undecided("root", f"{anchors.too_old}; a timestamp of an authority that it may be too old to know")
    return held


def _said(response: TimeStampResponse) -> datetime:
    return response.tst_info.gen_time.astimezone(UTC)


def _time(response: TimeStampResponse, signature: bytes, anchors: Anchors) -> datetime | None:
    """Return the time, None where no authority that was trusted at that time holds."""
    at = _said(response)
    held = any(_holds(response, signature, authority, at) for authority in anchors.stamp_authorities)
    return at if held else None


def _holds(response: TimeStampResponse, signature: bytes, authority: KnownAuthority, at: datetime) -> bool:
    chain = authority.chain
    if len(chain) < SHORTEST or not authority.valid.covers(at):
        return False
    builder = VerifierBuilder().tsa_certificate(chain[0]).add_root_certificate(chain[-1])
    for certificate in chain[1:-1]:
        builder = builder.add_intermediate_certificate(certificate)
    try:
        builder.build().verify_message(response, signature)
    except VerificationError:
        return False
    return True
