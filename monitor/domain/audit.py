"""The audit log: every change, chained by hash so that an edit, a deletion or a truncation shows.

    hash_n = SHA-256(0x01 || hash_(n-1) as bytes || the stored line's bytes)

The line is kept as written (JSON with sorted keys, no spaces, UTF-8): verification hashes the stored bytes and canonicalises nothing.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which subject. `actor` is a person's identity or `mcp-monitor`; `detail` holds no secrets."""

    at: datetime
    actor: str
    verb: str
    """Past tense with its noun: `release.seen`, `finding.opened`, `ticket.opened`, `run.finished`."""
    subject: str
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """One link of the chain: sequence number from 1, the line's text, and the hash that covers it and all before it."""

    seq: int
    line: str
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the chain at one time, to be kept where the chain's owner cannot write."""

    seq: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the chain does not hold, and why."""

    seq: int
    detail: str


def write(event: AuditEvent) -> str:
    """Write the line that is stored and hashed."""
    fields = {
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "verb": event.verb,
        "subject": event.subject,
        "detail": dict(event.detail),
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write_verb(verb: str) -> str:
    """Write the part of a line by which events of that verb are found; quoted text within a line never equals it."""
    return '"verb":' + json.dumps(verb, ensure_ascii=False)


def read(line: str) -> AuditEvent | None:
    """Read a line that `write` wrote; None: somebody else did."""
    try:
        fields = json.loads(line)
        at = datetime.fromisoformat(fields["at"])
        detail = {str(label): str(value) for label, value in fields["detail"].items()}
        return AuditEvent(at, str(fields["actor"]), str(fields["verb"]), str(fields["subject"]), detail)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def seal(previous: Sealed | None, event: AuditEvent) -> Sealed:
    """Append an event to the chain whose last link is `previous` (None: the chain is empty)."""
    line = write(event)
    before = previous.hash if previous else GENESIS
    return Sealed((previous.seq if previous else 0) + 1, line, link(before, line))


def link(before: str, line: str) -> str:
    """Return the hash of one line after the hash before it, both in hex."""
    return sha256(b"\x01" + bytes.fromhex(before) + line.encode("utf-8", "surrogatepass")).hexdigest()


def verify(chain: Iterable[Sealed], checkpoints: Iterable[Checkpoint] = ()) -> Broken | int:
    """Walk the chain from its first link; return its length, or the first place where it breaks.

    Against a checkpoint also a chain that was cut off, or rewritten as a whole, is found.
    """
    expected = {checkpoint.seq: checkpoint.hash for checkpoint in checkpoints}
    before, length = GENESIS, 0
    for length, sealed in enumerate(chain, start=1):
        if sealed.seq != length:
            return Broken(length, f"event {length} is missing: the next one stored is {sealed.seq}")
        if link(before, sealed.line) != sealed.hash:
            return Broken(length, f"event {length} was changed, or an event before it was replaced")
        if expected.get(length, sealed.hash) != sealed.hash:
            return Broken(length, f"event {length} differs from the exported checkpoint: the chain was rewritten")
        before = sealed.hash
    if beyond := [seq for seq in expected if seq > length]:
        return Broken(length + 1, f"the chain ends at {length}, a checkpoint proves that it reached {max(beyond)}")
    return length
