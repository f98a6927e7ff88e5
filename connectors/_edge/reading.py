"""Taking a body off the wire: limited in size, decoded without trusting it, hashed and dropped, or handed on part by part."""

import hashlib
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors._edge.transport import Broken, Head
from monitor.domain.release import Digest
from monitor.ports.sources import Downloaded

T = TypeVar("T")

REFUSAL_BYTES = 65_536
"""How much of a refusal is read, to find the words "rate limit" in it."""

OK = 200
REFUSED = frozenset({403, 429})
LENGTH = re.compile(r"[0-9]{1,30}")
GZIP = zlib.MAX_WBITS | 16
MAX_MEMBERS = 100
"""Of one gzip body. An empty one is 20 bytes on the wire and costs as much work as a full one."""


class Unreadable(Exception):
    """The body is too large, or not encoded as it says. The message ends a sentence that begins with the address."""


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """An answer off the wire. `refusal`: the beginning of the text of a 403 or 429 that is not wanted."""

    head: Head
    content: T | None  # None: an answer of this status is not wanted, and was not read
    refusal: bytes = b""


Read = Callable[[Head, AsyncIterator[bytes]], Awaitable[Received[T]]]
Take = Callable[[bytes], bool]
"""Takes a part of a body; False: it has enough."""


def document(limit: int, *, also: Collection[int]) -> Read[bytes]:
    """Return what reads a body into memory, decoded, if its status is 2xx or in `also`. It raises `Unreadable` and `Broken`."""

    async def read(head: Head, chunks: AsyncIterator[bytes]) -> Received[bytes]:
        if not _wanted(head, also):
            return Received(head, None, await _beginning(head, chunks))
        _refuse_announced(head, limit)
        body = bytearray()  # not a list: parts may be many, and small
        async for part in _decoded(head, chunks, limit):
            body += part
            _refuse_beyond(len(body), limit)
        return Received(head, bytes(body))

    return read


def file(limit: int, size: int | None) -> Read[Downloaded]:
    """Return what streams a body through sha256, sha512 and sha1, exactly as it came, if its status is 200.

    It raises `Unreadable`, and `Broken` for another answer of success and for a body that broke off: that is not the file, and its
    digests would say of the file what is not true. A whole answer of another length is for the digest to refuse. `size` is the file's
    length in bytes as its source says, by which an end that the answer does not announce is told; None: nobody said.
    """

    async def read(head: Head, chunks: AsyncIterator[bytes]) -> Received[Downloaded]:
        if head.status != OK:
            if _wanted(head, ()):
                raise Broken(f"answered {head.status} in place of a file", sent=True, transient=False)
            return Received(head, None, await _beginning(head, chunks))
        _refuse_announced(head, limit)
        announced = _announced(head)
        expected = size if announced is None else announced
        # sha1 because npm's oldest files have no other digest: compared, never trusted alone.
        hashes = (hashlib.sha256(), hashlib.sha512(), hashlib.sha1(usedforsecurity=False))
        length = 0
        async for chunk in chunks:
            length += len(chunk)
            _refuse_beyond(length, limit)
            for each in hashes:
                each.update(chunk)
        if expected is not None and length < expected:
            raise Broken(f"the answer broke off at {length} of {expected} bytes", sent=True, transient=True)
        return Received(head, Downloaded(length, {each.name: Digest(each.name, each.hexdigest()) for each in hashes}))

    return read


def parts(limit: int, begin: Callable[[], Take]) -> Read[int]:
    """Return what hands a body, exactly as it came, to what `begin` makes for each attempt, if its status is 200.

    It stops where that has enough. The content is its length. It raises as `file` does, and what the taker raises.
    """

    async def read(head: Head, chunks: AsyncIterator[bytes]) -> Received[int]:
        if head.status != OK:
            if _wanted(head, ()):
                raise Broken(f"answered {head.status} in place of a file", sent=True, transient=False)
            return Received(head, None, await _beginning(head, chunks))
        _refuse_announced(head, limit)
        take, length = begin(), 0
        async for chunk in chunks:
            length += len(chunk)
            _refuse_beyond(length, limit)
            if not take(chunk):
                return Received(head, length)
        announced = _announced(head)
        if announced is not None and length < announced:
            raise Broken(f"the answer broke off at {length} of {announced} bytes", sent=True, transient=True)
        return Received(head, length)

    return read


def _wanted(head: Head, also: Collection[int]) -> bool:
    return 200 <= head.status < 300 or head.status in also  # noqa: PLR2004  (the class of success)


def _refuse_announced(head: Head, limit: int) -> None:
    announced = _announced(head)
    if announced is not None and announced > limit:
        raise Unreadable(f"announced {str(announced)[:20]} bytes, more than the {limit} that are read")


def _announced(head: Head) -> int | None:
    """The length of the body; None: it is not announced, or not in digits."""
    text = head.headers.get("content-length", "")
    return int(text) if LENGTH.fullmatch(text) else None


def _refuse_beyond(size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable(f"answered with more than the {limit} bytes that are read")


async def _beginning(head: Head, chunks: AsyncIterator[bytes]) -> bytes:
    """Whatever is not right here, the status has been told already."""
    if head.status not in REFUSED:
        return b""
    text = bytearray()
    with suppress(Unreadable):
        async for part in _decoded(head, chunks, REFUSAL_BYTES):
            text += part
            if len(text) >= REFUSAL_BYTES:
                break
    return bytes(text[:REFUSAL_BYTES])


async def _decoded(head: Head, chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    encoding = head.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise Unreadable(f"answered in the encoding {encoding[:20]!r}, which was not asked for")
    async for part in chunks if encoding in {"", "identity"} else _unzipped(chunks, limit):
        yield part


async def _unzipped(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decode gzip in steps of at most `limit` + 1 bytes, so that a bomb is noticed before it has gone off.

    Raises `Unreadable`, also for more than `limit` bytes on the wire: what comes to nothing when unpacked costs work, too.
    """
    unzip, begun, members, received = zlib.decompressobj(GZIP), False, 0, 0
    async for chunk in chunks:
        received += len(chunk)
        _refuse_beyond(received, limit)
        rest = chunk
        while rest:
            if members == MAX_MEMBERS:
                raise Unreadable(f"answered with more than {MAX_MEMBERS} gzip members")
            begun = True
            try:
                if part := unzip.decompress(rest, limit + 1):
                    yield part
            except zlib.error as error:
                raise Unreadable("answered with what is not the gzip that it says") from error
            rest = unzip.unconsumed_tail
            if unzip.eof:
                rest = unzip.unused_data  # another member may follow (RFC 1952, 2.2)
                unzip, begun, members = zlib.decompressobj(GZIP), False, members + 1
    if begun:
        raise Broken("the answer broke off", sent=True, transient=True)
