"""Trust roots as files: the sigstore project's `trusted_root.json`, and npm's key list in both of its shapes.

Only shapes are checked here; keys and certificates are loaded with the first verification: the import costs a tenth of a second.

Specifications: https://github.com/sigstore/protobuf-specs (trustroot); npm documentation, "About registry signatures".
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from connectors import _own_folder as own_folder
from monitor.domain.provenance import TrustRoot
from monitor.ports.errors import Malformed

MAX_SIZE = 4 * 2**20
"""Bytes. The largest known root has 32 kB."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Window(msgspec.Struct, frozen=True):
    """When a key or an authority is trusted, both ends included."""

    start: Time
    end: Time | None = None  # None: until further notice

    def covers(self, at: datetime) -> bool:
        """Tell whether what was signed `at` is trusted."""
        return self.start <= at and (self.end is None or at <= self.end)


class PublicKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key in DER."""

    raw_bytes: bytes
    valid_for: Window


class LogId(msgspec.Struct, frozen=True, rename="camel"):
    """A log's id: 32 bytes."""

    key_id: bytes


class Log(msgspec.Struct, frozen=True, rename="camel"):
    """A transparency or certificate log."""

    public_key: PublicKey
    log_id: LogId


class RawCertificate(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate in DER."""

    raw_bytes: bytes


class Chain(msgspec.Struct, frozen=True):
    """Certificates from the issuing one to the root."""

    certificates: list[RawCertificate]


class Authority(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate or timestamp authority."""

    cert_chain: Chain
    valid_for: Window


class SigstoreRoot(msgspec.Struct, frozen=True, rename="camel"):
    """What one sigstore instance is trusted for. An instance without logs (GitHub's own) lists none."""

    media_type: Literal["application/vnd.dev.sigstore.trustedroot+json;version=0.1"]
    certificate_authorities: list[Authority]
    tlogs: list[Log] = []
    ctlogs: list[Log] = []
    timestamp_authorities: list[Authority] = []


@dataclass(frozen=True, slots=True)
class NpmKey:
    """A key of the npm registry. Its id is an opaque label."""

    keyid: str
    der: bytes
    expires: datetime | None  # None: in use
    usages: frozenset[str]

    def expired(self, at: datetime) -> bool:
        """Tell whether what was signed `at` came too late for this key."""
        return self.expires is not None and at >= self.expires


SIGNATURES, ATTESTATIONS = "npm:signatures", "npm:attestations"


class _ListedKey(msgspec.Struct):
    keyid: str
    key: bytes
    expires: Time | None = None


class _ListedKeys(msgspec.Struct):
    keys: list[_ListedKey]


class _SignedKey(msgspec.Struct, rename="camel"):
    key_id: str
    key_usage: str
    public_key: PublicKey


class _SignedKeys(msgspec.Struct):
    keys: list[_SignedKey]


def newest(name: str, folder: Path) -> Path | None:
    """Return the youngest file of that name by the day in its name, None where the folder has none."""
    return max(folder.glob(f"{name}.????-??-??.json"), default=None)


def require_own(folder: Path) -> None:
    """Raise `Malformed` unless nobody but this user (or root) can write into the folder: who writes a root chooses who is trusted."""
    own_folder.require(folder, "trust roots")


def read(name: str, path: Path, origin: str = "") -> tuple[TrustRoot, bytes]:
    """Return the file and its contents. Its day stands in its name (`…2026-10-01.json`), else it is that of the last change.

    Raises `Malformed` when there is no such file.
    """
    try:
        raw = path.read_bytes()
        dated = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise Malformed(f"trust root {name}", f"cannot read {path}: {error.strerror}") from error
    if len(raw) > MAX_SIZE:
        raise Malformed(f"trust root {name}", f"{path} is larger than {MAX_SIZE} bytes")
    day = DAY.search(path.name)
    if day:
        dated = datetime.fromisoformat(day.group()).replace(tzinfo=UTC)
    return TrustRoot(name, str(path), dated, origin, sha256(raw).hexdigest()), raw


def sigstore_root(file: TrustRoot, raw: bytes) -> SigstoreRoot:
    """Read a `trusted_root.json`. Raises `Malformed` with the place of the fault."""
    try:
        root = msgspec.json.decode(raw, type=SigstoreRoot)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"trust root {file.name}", f"{file.path}: {error}") from error
    if not all(authority.cert_chain.certificates for authority in root.certificate_authorities):
        raise Malformed(f"trust root {file.name}", f"{file.path}: an authority without certificates")
    return root


def npm_keys(file: TrustRoot, raw: bytes) -> tuple[NpmKey, ...]:
    """Read npm's keys as the registry lists them, or as the sigstore project signs them. Raises `Malformed`."""
    try:
        signed = msgspec.json.decode(raw, type=_SignedKeys).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            listed = msgspec.json.decode(raw, type=_ListedKeys).keys
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"trust root {file.name}", f"{file.path}: {error}") from error
        every = frozenset({SIGNATURES, ATTESTATIONS})
        return tuple(NpmKey(key.keyid, key.key, key.expires, every) for key in listed)
    return tuple(
        NpmKey(key.key_id, key.public_key.raw_bytes, key.public_key.valid_for.end, frozenset({key.key_usage}))
        for key in signed
    )
