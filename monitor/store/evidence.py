"""The raw documents that judgements rest on: each body once, compressed, under its digest."""

import zlib
from collections.abc import Collection, Mapping
from hashlib import sha256

from sqlalchemy import select

from monitor.domain.evidence import Evidence, Sighting
from monitor.domain.unknown import Reason, Unknown
from monitor.store import tables
from monitor.store.columns import plain
from monitor.store.transaction import Transaction

STORE = "store"
TOO_LARGE = b""
"""Stands in place of a body that is not kept; a packed body is never empty."""
LEVEL = 3
"""zlib's: package documents shrink to a sixth, at some 100 MB a second."""


class Bodies:
    """Bodies by digest, and sightings: which address gave which body, first and last."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def keep_evidence(self, evidence: Collection[Evidence]) -> None:
        """Keep bodies once, by digest, and note when each address gave them; of an empty body the digest alone.

        Raises ValueError where the digest is not the body's.
        """
        self._in.alone()
        columns = tables.evidence.c
        named = {each.sha256: each for each in evidence}
        there = {
            digest for (digest,) in self._in.rows(select(columns.sha256).where(self._in.among(columns.sha256, named)))
        }
        for digest, each in named.items():
            if digest not in there:
                self._in.add(tables.evidence, [_row(each)])
        sightings = [
            {
                "sha256": each.sha256,
                "address": sha256(each.url.encode("utf-8", "surrogatepass")).hexdigest(),
                "url": plain(each.url),
                "first_fetched_at": each.fetched_at,
                "fetched_at": each.fetched_at,
            }
            for each in evidence
        ]
        self._in.put(tables.sightings, sightings, newer="fetched_at", fixed=("first_fetched_at",))

    def evidence(self, digests: Collection[str]) -> Mapping[str, bytes | Unknown]:
        """Return the bodies by digest, or why one cannot be had: never kept, too large, or not what was kept any more."""
        columns = tables.evidence.c
        wanted = self._in.among(columns.sha256, digests)
        kept = {
            digest: _body(digest, size, body)
            for digest, size, body in self._in.rows(select(columns.sha256, columns.size, columns.body).where(wanted))
        }
        never = Unknown(Reason.UNAVAILABLE, STORE, "the document was not kept")
        return {digest: kept.get(digest, never) for digest in digests}

    def sightings(self, digests: Collection[str]) -> list[Sighting]:
        """Return which addresses gave these bodies, in the order of digests and addresses."""
        columns = tables.sightings.c
        found = select(columns.url, columns.sha256, columns.first_fetched_at, columns.fetched_at)
        wanted = found.where(self._in.among(columns.sha256, digests)).order_by(columns.sha256, columns.address)
        return [Sighting(*row) for row in self._in.rows(wanted)]


def _row(evidence: Evidence) -> dict[str, object]:
    if not evidence.body:
        return {"sha256": evidence.sha256, "size": 0, "body": TOO_LARGE}
    if sha256(evidence.body).hexdigest() != evidence.sha256:
        raise ValueError(f"the body from {evidence.url[:200]} does not have the digest {evidence.sha256[:64]}")
    return {"sha256": evidence.sha256, "size": len(evidence.body), "body": zlib.compress(evidence.body, LEVEL)}


def _body(digest: str, size: int, packed: bytes) -> bytes | Unknown:
    """Unpack, no more than was put in: who can write the database may have put something else there."""
    if packed == TOO_LARGE:
        return Unknown(Reason.UNAVAILABLE, STORE, f"the document {digest[:12]}… was too large to be kept")
    changed = Unknown(Reason.MALFORMED, STORE, f"the document {digest[:12]}… is not what was kept: somebody changed it")
    try:
        body = zlib.decompressobj().decompress(packed, max(size, 1))
    except (zlib.error, TypeError):  # SQLite keeps text where bytes were, if told to
        return changed
    return body if sha256(body).hexdigest() == digest else changed
