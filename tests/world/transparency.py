"""A private transparency log in the manner of Rekor v1: an append-only Merkle tree (RFC 6962), signed checkpoints, signed promises."""

import base64
import hashlib
from datetime import datetime

import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HOST = "rekor.example"
ORIGIN = f"{HOST} - 2605736670972794746"


def text(raw: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(raw).decode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as DER; its SHA-256 is the key's id."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return the ECDSA-SHA256 signature in DER."""
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


class Log:
    """One shard; entries stay in the order in which they came."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: list[bytes] = []
        self._full: dict[tuple[int, int], bytes] = {}

    @property
    def id(self) -> bytes:
        """The log's id: the digest of its key."""
        return hashlib.sha256(spki(self.key)).digest()

    def add(self, kind: str, version: str, body: bytes, at: datetime) -> dict[str, object]:
        """Append an entry and return it as it stands in a bundle: with promise, inclusion proof and checkpoint."""
        index = len(self._leaves)
        self._leaves.append(hashlib.sha256(b"\x00" + body).digest())
        size = len(self._leaves)
        root = text(self._root(0, size))
        return {
            "logIndex": str(index),
            "logId": {"keyId": text(self.id)},
            "kindVersion": {"kind": kind, "version": version},
            "integratedTime": str(int(at.timestamp())),
            "inclusionPromise": {"signedEntryTimestamp": self._promise(index, body, at)},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": root,
                "treeSize": str(size),
                "hashes": [text(node) for node in self._path(index, 0, size)],
                "checkpoint": {"envelope": self._checkpoint(size, root)},
            },
            "canonicalizedBody": text(body),
        }

    def _promise(self, index: int, body: bytes, at: datetime) -> str:
        promised: dict[str, str | int] = {
            "body": text(body),
            "integratedTime": int(at.timestamp()),
            "logID": self.id.hex(),
            "logIndex": index,
        }
        return text(sign(self.key, rfc8785.dumps(promised)))

    def _checkpoint(self, size: int, root: str) -> str:
        note = f"{ORIGIN}\n{size}\n{root}\n"
        signature = text(self.id[:4] + sign(self.key, note.encode()))
        return f"{note}\n\N{EM DASH} {HOST} {signature}\n"

    def _root(self, start: int, end: int) -> bytes:
        size = end - start
        if size == 1:
            return self._leaves[start]
        if (start, end) in self._full:
            return self._full[start, end]
        middle = start + _split(size)
        node = hashlib.sha256(b"\x01" + self._root(start, middle) + self._root(middle, end)).digest()
        if size & (size - 1) == 0:  # a full subtree never changes again
            self._full[start, end] = node
        return node

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._root(middle, end)]
        return [*self._path(index, middle, end), self._root(start, middle)]


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
