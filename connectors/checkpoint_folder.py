"""A folder of signed checkpoints: best on a medium that is written once, or copied away by somebody else.

It knows the newest one, which the next one names. It does not know whether somebody took files away: `audit verify` sees it by the names.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from connectors._whole_file import write_whole
from monitor.domain.audit import Checkpoint
from monitor.domain.checkpoint import FIRST, Signed, read_body, write_body
from monitor.ports.channels import CheckpointKeeper
from monitor.ports.errors import Denied, Malformed, Unavailable

NAME = "checkpoints"
READABLE = 0o644
"""Of the public half: whoever verifies is somebody else."""
LARGEST_KEY, LARGEST_CHECKPOINT = 2**14, 4096
MOST = 200_000
"""Files: one an hour for more than twenty years."""


class Written(msgspec.Struct, forbid_unknown_fields=True):
    """A file."""

    body: str
    key: str
    signature: str


WRITTEN = msgspec.json.Decoder(Written)


@dataclass(frozen=True, slots=True)
class Folder:
    """Signs, and puts one file beside the others."""

    folder: Path
    key_file: Path

    async def keep(self, checkpoint: Checkpoint) -> str:
        """Sign it and keep it; return the file's name. Raises `Denied`, `Malformed` and `Unavailable`."""
        return await asyncio.to_thread(self._keep, checkpoint)

    async def probe(self) -> str:
        """Read the key, and see that the folder is there."""
        key = await asyncio.to_thread(read_private, self.key_file)
        _names(self.folder)
        if not os.access(self.folder, os.W_OK):
            raise Denied(NAME, f"{self.folder}: no folder that may be written to")
        return f"checkpoints: signed by {named(key.public_key())} into {self.folder}"

    def _keep(self, checkpoint: Checkpoint) -> str:
        key = read_private(self.key_file)
        names = _names(self.folder)
        before = read_file(self.folder / names[-1]).digest if names else FIRST
        body = write_body(checkpoint, before)
        name = f"{checkpoint.at:%Y%m%dT%H%M%SZ}-{checkpoint.seq:012d}.json"
        written = Written(body, named(key.public_key()), key.sign(body.encode()).hex())
        if name in names:
            return name
        try:
            write_whole(self.folder / name, msgspec.json.encode(written))
        except OSError as error:
            raise Unavailable(NAME, f"{self.folder}: {error.strerror}") from error
        return name


def build(*, folder: Path, key_file: Path) -> CheckpointKeeper:
    """Build from the configuration."""
    return Folder(folder, key_file)


def make_key(path: Path) -> str:
    """Make a key, which only this user may read, and its public half beside it (`.pub`); return its name. Raises OSError."""
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_whole(path.with_name(path.name + ".pub"), public, mode=READABLE)
    return named(key.public_key())


def named(key: Ed25519PublicKey) -> str:
    """Return a key's name: the start of the digest of its bytes."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read the signing key. Raises `Denied` and `Malformed`."""
    data = _read(path, LARGEST_KEY, missing=f"there is no key; run: mcp-monitor audit keygen --out {path}")
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed(
            NAME, f"{path}: no private key in PEM without a passphrase, as `audit keygen` writes"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed(NAME, f"{path}: expected an Ed25519 key, as `audit keygen` makes")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """Read the public half. Raises `Denied` and `Malformed`."""
    data = _read(path, LARGEST_KEY)
    if b"PRIVATE KEY-----" in data:
        raise Malformed(
            NAME, f"{path}: a private key; expected its public half, which `audit keygen` wrote to FILE.pub"
        )
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed(NAME, f"{path}: no public key in PEM, as `audit keygen` writes beside the key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed(NAME, f"{path}: expected an Ed25519 key, as `audit keygen` makes")
    return key


def read_signed(folder: Path, key: Ed25519PublicKey) -> Sequence[Signed]:
    """Read every checkpoint of the folder, oldest first, each with a signature that holds. Raises `Denied` and `Malformed`."""
    found = []
    for name in _names(folder):
        signed = read_file(folder / name)
        _require_signature(signed, key, str(folder / name))
        found.append(signed)
    return found


def newest(folder: Path) -> Signed | None:
    """Read the newest checkpoint of the folder, unverified; None where there is none. Raises `Denied` and `Malformed`."""
    names = _names(folder)
    return read_file(folder / names[-1]) if names else None


def proven(signed: Signed, key: Ed25519PublicKey) -> Checkpoint:
    """Return what a checkpoint says whose signature holds. Raises `Malformed`."""
    _require_signature(signed, key, signed.name[:100])
    body = read_body(signed.body)
    if body is None:
        raise Malformed(NAME, f"{signed.name[:100]}: no signed checkpoint")
    return body.checkpoint


def _require_signature(signed: Signed, key: Ed25519PublicKey, where: str) -> None:
    try:
        key.verify(bytes.fromhex(signed.signature), signed.body.encode())
    except (InvalidSignature, ValueError) as error:
        other = f"; it names the key {signed.key[:32]!a}, this is {named(key)}" if signed.key != named(key) else ""
        raise Malformed(NAME, f"{where}: its signature does not hold{other}") from error


def read_file(path: Path) -> Signed:
    """Read one file. Raises `Denied` and `Malformed`."""
    try:
        written = WRITTEN.decode(_read(path, LARGEST_CHECKPOINT))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"{path}: no signed checkpoint") from error
    return Signed(path.name, written.body, written.key, written.signature)


def _names(folder: Path) -> list[str]:
    """The files' names begin with their time, so that they sort by it."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".json"))
    except FileNotFoundError as error:
        raise Denied(NAME, f"{folder}: there is no such folder; make the folder, where this user may write") from error
    except OSError as error:
        raise Denied(NAME, f"{folder}: {error.strerror}") from error
    if len(names) > MOST:
        raise Malformed(NAME, f"{folder}: more than {MOST} files")
    return names


def _read(path: Path, limit: int, *, missing: str = "") -> bytes:
    """Read a file. `missing`: what to say where it is not there."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise Denied(NAME, f"{path}: {missing or error.strerror}") from error
    except OSError as error:
        raise Denied(NAME, f"{path}: {error.strerror}") from error
    if len(data) > limit:
        raise Malformed(NAME, f"{path}: over {limit} bytes")
    return data
