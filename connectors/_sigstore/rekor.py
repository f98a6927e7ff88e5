"""A transparency log's entry: the promise, the proof of inclusion, and the signed state of the log.

Specifications: RFC 6962 2.1.1 (Merkle audit paths), https://github.com/C2SP/C2SP (signed notes and checkpoints),
https://github.com/sigstore/rekor (the promise, "SET").
"""

import base64
import binascii
import hashlib
from datetime import UTC, datetime

import rfc8785

from connectors._sigstore.anchors import Anchors, KnownLog, holds
from connectors._sigstore.refusal import Refused, Undecided
from connectors._sigstore.shape import Entry, Proof

HINT = 4
"""Bytes of the key's id before a note's signature."""


def log_of(entry: Entry, anchors: Anchors, at: datetime) -> KnownLog:
    """Return the log that the entry names. Raises `Undecided` where our root may be too old to know it, else `Refused`."""
    log = anchors.logs.get(entry.log_id.key_id)
    if log is None and at > anchors.file.dated:
        raise Undecided("root", f"{anchors.too_old}; a log that it may be too old to know")
    if log is None or not log.window.covers(at):
        raise Refused("log", f"the entry's log is none that {anchors.label} trusts at that time")
    return log


def integrated_at(entry: Entry) -> datetime | None:
    """Return the time that the log promised; None where it promised none. Believed only when `promised` holds."""
    if not entry.integrated_time or entry.inclusion_promise is None:
        return None
    try:
        return datetime.fromtimestamp(entry.integrated_time, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused("malformed", "the log entry's time is no time") from error


def promised(entry: Entry, log: KnownLog) -> None:
    """Check the log's signature over body, time and position. Raises `Refused`."""
    signed: dict[str, str | int] = {
        "body": base64.b64encode(entry.canonicalized_body).decode(),
        "integratedTime": entry.integrated_time or 0,
        "logID": entry.log_id.key_id.hex(),
        "logIndex": entry.log_index,
    }
    promise = entry.inclusion_promise
    try:
        message = rfc8785.dumps(signed)
    except rfc8785.CanonicalizationError as error:
        raise Refused("malformed", f"the log entry's numbers are none: {error}") from error
    if promise is None or not holds(log.key, promise.signed_entry_timestamp, message):
        raise Refused("log", "the log's promise does not hold")


def included(entry: Entry, log: KnownLog) -> None:
    """Check the entry's path to the tree's root, and the log's signature over that root. Raises `Refused`."""
    proof = entry.inclusion_proof
    if proof is None or proof.checkpoint is None:
        raise Refused("log", "the log entry has no proof of inclusion")
    if _root(entry.canonicalized_body, proof) != proof.root_hash:
        raise Refused("log", "the proof of inclusion does not hold")
    if _signed_state(proof.checkpoint.envelope, log) != (proof.tree_size, proof.root_hash):
        raise Refused("log", "the log's signed state is that of another tree")


def _root(body: bytes, proof: Proof) -> bytes:
    """Return the tree's root as the path gives it: inner nodes lie on either side, those along the right border on the left."""
    inner = (proof.log_index ^ (proof.tree_size - 1)).bit_length()
    border = (proof.log_index >> inner).bit_count()
    if len(proof.hashes) != inner + border:
        raise Refused("log", "the proof of inclusion has the wrong length")
    node = hashlib.sha256(b"\x00" + body).digest()
    for level, sibling in enumerate(proof.hashes):
        left = level >= inner or proof.log_index >> level & 1
        node = hashlib.sha256(b"\x01" + (sibling + node if left else node + sibling)).digest()
    return node


def _signed_state(note: str, log: KnownLog) -> tuple[int, bytes]:
    """Return size and root hash of a checkpoint that the log itself signed; co-signatures of others do not count."""
    text, gap, signatures = note.partition("\n\n")
    try:
        origin, size, root, *_ = text.split("\n")
        state = int(size), base64.b64decode(root, validate=True)
        lines = [line.split(" ") for line in signatures.removesuffix("\n").split("\n")]
        signed = [(name, base64.b64decode(raw, validate=True)) for dash, name, raw in lines if dash == "\N{EM DASH}"]
    except (ValueError, binascii.Error) as error:
        raise Refused("log", "the log's signed state cannot be read") from error
    host = origin.split(" ", maxsplit=1)[0]
    message = (text + gap[:1]).encode()
    for name, raw in signed:
        if name == host and raw[:HINT] == log.id[:HINT] and holds(log.key, raw[HINT:], message):
            return state
    raise Refused("log", "the log did not sign the state in which the entry is included")
