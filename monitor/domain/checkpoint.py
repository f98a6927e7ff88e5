"""Signed checkpoints of the audit chain, each naming the one before it: none can be left out, and none made later.

    signature = Ed25519 over the body's bytes as written;  previous = SHA-256 of the body before it

What is signed is text and stays as written: verification canonicalises nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from monitor.domain.audit import Broken, Checkpoint

FIRST = ""
"""What the first one names as the one before it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it is kept: `name` is its file's, `key` names the key, `signature` is in hex."""

    name: str
    body: str
    key: str
    signature: str

    @property
    def digest(self) -> str:
        """What the next one names."""
        return sha256(self.body.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Body:
    """What a checkpoint says."""

    checkpoint: Checkpoint
    previous: str


def write_body(checkpoint: Checkpoint, previous: str) -> str:
    """Write the text that is signed."""
    fields = {
        "seq": checkpoint.seq,
        "hash": checkpoint.hash,
        "at": checkpoint.at.astimezone(UTC).isoformat(timespec="seconds"),
        "previous": previous,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def read_body(text: str) -> Body | None:
    """Read what `write_body` wrote; None: somebody else did."""
    try:
        fields = json.loads(text)
        at = datetime.fromisoformat(fields["at"]).astimezone(UTC)
        return Body(Checkpoint(int(fields["seq"]), str(fields["hash"]), at), str(fields["previous"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def linked(signed: Iterable[Signed]) -> tuple[Checkpoint, ...] | Broken:
    """Return what the checkpoints prove, in their order; or the first that does not follow the one before it.

    Their signatures have to be checked already. The first one may name one before it: older ones are kept elsewhere.
    """
    proven: list[Checkpoint] = []
    before: Signed | None = None
    for each in signed:
        body = read_body(each.body)
        if body is None:
            return Broken(0, f"{each.name} is no checkpoint")
        now = body.checkpoint
        if before and body.previous != before.digest:
            return Broken(now.seq, f"{each.name} does not follow {before.name}: one between them is missing")
        if proven and (now.seq < proven[-1].seq or now.at < proven[-1].at):
            return Broken(now.seq, f"{each.name} goes back behind {before.name if before else 'the one before it'}")
        proven.append(now)
        before = each
    return tuple(proven)
