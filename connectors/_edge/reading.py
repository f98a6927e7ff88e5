"""Taking a body off the wire: limited in size, decoded without trusting it, or hashed and dropped."""

import hashlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors._edge.transport import Broken, Head
from monitor.domain.release import Digest
from monitor.ports.sources import Downloaded

T = TypeVar("T")

REFUSAL_BYTES = 65_536
"""How much of a refusal is read, to find the words "rate limit" in it."""

REFUSED = frozenset({403, 429})
GZIP = zlib.MAX_WBITS | 16


class Unreadable(Exception):
    """The body is too large, or not encoded as it says. The message ends a sentence that begins with the address."""


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """An answer off the wire. `refusal`: the beginning of the text of a 403 or 429 that is not wanted."""

    head: Head
    content: T | None  # None: an answer of this status is not wanted, and was not read
    refusal: bytes = b""


Read = Callable[[Head, AsyncIterator[bytes]], Awaitable[Received[T]]]


def document(limit: int, *, also: Collection[int]) -> Read[bytes]:
    """Return what reads a body into memory, decoded, if its status is 2xx or in `also`. It raises `Unreadable` and `Broken`."""

    async def read(head: Head, chunks: AsyncIterator[bytes]) -> Received[bytes]:
        if not _wanted(head, also):
            return Received(head, None, await _beginning(head, chunks))
        _refuse_announced(head, limit)
        parts, size = [], 0
        async for part in _decoded(head, chunks, limit):
            parts.append(part)
            size += len(part)
            _refuse_beyond(size, limit)
        return Received(head, b"".join(parts))

    return read


def file(limit: int) -> Read[Downloaded]:
    """Return what streams a body through sha256, sha512 and sha1, exactly as it came, if its status is 2xx."""

    async def read(head: Head, chunks: AsyncIterator[bytes]) -> Received[Downloaded]:
        if not _wanted(head, ()):
            return Received(head, None, await _beginning(head, chunks))
        _refuse_announced(head, limit)
        # sha1 because npm's oldest files have no other digest: compared, never trusted alone.
        hashes = (hashlib.sha256(), hashlib.sha512(), hashlib.sha1(usedforsecurity=False))
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            _refuse_beyond(size, limit)
            for each in hashes:
                each.update(chunk)
        return Received(head, Downloaded(size, {each.name: Digest(each.name, each.hexdigest()) for each in hashes}))

    return read


def _wanted(head: Head, also: Collection[int]) -> bool:
    return 200 <= head.status < 300 or head.status in also  # noqa: PLR2004  (the class of success)


def _refuse_announced(head: Head, limit: int) -> None:
    announced = head.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > len(str(limit)) or int(announced) > limit):
        raise Unreadable(f"announced {announced[:20]} bytes, more than the {limit} that are read")


def _refuse_beyond(size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable(f"answered with more than the {limit} bytes that are read")


async def _beginning(head: Head, chunks: AsyncIterator[bytes]) -> bytes:
    """Whatever goes wrong here, the status has been told already."""
    if head.status not in REFUSED:
        return b""
    text = b""
    try:
        async for part in _decoded(head, chunks, REFUSAL_BYTES):
            text += part
            if len(text) >= REFUSAL_BYTES:
                break
    except Unreadable:
        return b""
    return text


async def _decoded(head: Head, chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decode gzip in steps of at most `limit` + 1 bytes, so that a bomb is noticed before it has gone off."""
    encoding = head.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        async for chunk in chunks:
            yield chunk
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise Unreadable(f"answered in the encoding {encoding[:20]!r}, which was not asked for")
    unzip, begun = zlib.decompressobj(GZIP), False
    async for chunk in chunks:
        rest = chunk
        while rest:
            begun = True
            try:
                yield unzip.decompress(rest, limit + 1)
            except zlib.error as error:
                raise Unreadable("answered with what is not the gzip that it says") from error
            rest = unzip.unconsumed_tail
            if unzip.eof:
                rest = unzip.unused_data  # another member may follow (RFC 1952, 2.2)
                unzip, begun = zlib.decompressobj(GZIP), False
    if begun:
        raise Broken("the answer broke off", sent=True, transient=True)
