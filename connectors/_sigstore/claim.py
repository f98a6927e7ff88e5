"""Claims: what a document says of a file, one by one, and by which trust each is decided."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from connectors._sigstore import statement
from connectors._sigstore.anchors import Anchors
from connectors._sigstore.certified import Certified
from connectors._sigstore.check import by_certificate
from connectors._sigstore.refusal import Refused, Undecided
from connectors._sigstore.shape import Work
from connectors._sigstore.trust_root import NpmKey
from monitor.domain.provenance import Publisher, Subject, TrustRoot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything by which claims are judged."""

    public_good: Anchors
    github: Anchors | None  # None: no root for GitHub's own instance
    npm: TrustRoot
    npm_keys: tuple[NpmKey, ...]

    @property
    def npm_label(self) -> str:
        """Name and day, for reviewers."""
        return f"{self.npm.name} of {self.npm.dated:%Y-%m-%d}"

    def key(self, keyid: str, usage: str) -> NpmKey:
        """Return the registry's key of that name. Raises `Undecided`."""
        for key in self.npm_keys:
            if key.keyid == keyid and usage in key.usages:
                return key
        raise Undecided("key", f"signed with the key {keyid[:80]!r}, which {self.npm_label} does not list")


@dataclass(frozen=True, slots=True)
class Held:
    """A claim that holds. `kind`: publish, build, release, statement or signature."""

    kind: str
    detail: str
    root: str
    publisher: Publisher | None = None  # None: a registry says so, not a builder


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a document, not yet decided. `decide` raises `Refused` or `Undecided`."""

    name: str
    decide: Callable[[Work], Held]


class Attestations(msgspec.Struct):
    """npm's and GitHub's lists."""

    attestations: list[msgspec.Raw]


def stated(certified: Certified, subject: Subject, anchors: Anchors) -> tuple[Held, statement.Statement]:
    """Verify a bundle that a certificate signed, and read its statement; what that is about remains to be compared."""
    signed, publisher = by_certificate(certified, anchors, sha256=sha256(subject))
    if signed.payload is None:
        raise Refused("type", "a bare signature instead of a statement")
    said = statement.parse(signed.payload_type, signed.payload)
    kind = "statement"
    if said.predicate_type in statement.BUILDS:
        kind = "build"
    elif said.predicate_type == statement.PYPI_PUBLISH:
        kind = "publish"
    detail = f"signed at {signed.minute} UTC: {said.predicate_type[:120]}"
    return Held(kind, detail, anchors.label, publisher), said


def read(raw: bytes | msgspec.Raw, shape: type[T], what: str) -> T:
    """Read a part of a document as that shape; `what` names it for people. Raises `Refused`."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", f"not {what}: {error}"[:300]) from error


def unbase64(text: str) -> bytes:
    """Decode standard base64. Raises `Refused`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("malformed", "a signature or digest that is not base64") from error


def sha256(subject: Subject) -> bytes:
    """Return the file's digest, empty (which nothing equals) where it was not computed."""
    digest = subject.digests.get("sha256")
    return bytes.fromhex(digest.hex) if digest else b""
