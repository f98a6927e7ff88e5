"""The pin that a ticket shows."""

from monitor.domain.provenance import Form, Verdict
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def seen_pin(snapshot: Snapshot, pin: Pin) -> Pin:
    """Complete a pin with what was seen of its version: the digests of the downloaded files, and who built them."""
    if isinstance(snapshot.verifications, Unknown):
        return pin
    claims = snapshot.verifications.get(pin.purl, ())
    digests = {digest for claim in claims if claim.form is Form.REGISTRY_DIGEST for digest in claim.digests}
    strong = frozenset(digest for digest in digests if digest.algorithm in ("sha256", "sha512", "gitCommit"))
    publisher = next(
        (claim.publisher for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher), None
    )
    return Pin(pin.purl, strong or pin.digests, publisher or pin.publisher)
