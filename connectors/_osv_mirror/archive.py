"""`all.zip`: every record of an ecosystem as `<ID>.json`. Format: APPNOTE.TXT of PKWARE, sections 4.3 and 4.4.

Read member by member, and never extracted. The standard library's reader holds an object of half a kilobyte for each member at once, which
for a quarter of a million of them is more than everything else here, and trusts what the archive says of itself; this one reads the
directory in pieces, and each member within bounds. The deflated bytes are kept as they are: they need not be compressed again.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from connectors._osv_mirror.entry import NAME
from connectors._osv_shape import MAX_RECORD
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

MAX_ARCHIVE = 2**31
"""Bytes."""
MAX_MEMBERS = 1_000_000
MAX_RATIO = 100
MAX_SMALL = 64 * 2**20
"""All members together may have this many bytes, and the size of the archive times the ratio on top."""

_END = struct.Struct("<4s4H2LH")
_END64_AT = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_FIELD = 2**16
"""Bytes of a name, of extra fields, and of a comment."""
_PIECE = 2**20
_GUESS = 64
"""Bytes of a member's own header that are read beyond its name, so that one reading is enough."""
_STORED, _DEFLATED = 0, 8
_FULL_16, _FULL_32 = 2**16 - 1, 2**32 - 1
_ENCRYPTED = 1
RAW = -zlib.MAX_WBITS


class BadMember(Exception):
    """A member that cannot be read; it costs itself. The message is one line."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the directory. `crc` and `size` (bytes) are of the content, `packed` (bytes) of what is in the archive at `offset`."""

    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    encrypted: bool

    @property
    def shown(self) -> str:
        """The name for people."""
        return one_line(self.name.decode("utf-8", "replace"), 120)


@dataclass(frozen=True, slots=True)
class Content:
    """A member's content, and the same as a raw deflate stream."""

    body: bytes
    deflated: bytes


def members(file: int) -> Iterator[Member]:
    """Yield the entries of the directory of the archive with that descriptor, in its order. Raises `Malformed`, and OSError."""
    length = os.fstat(file).st_size
    if length > MAX_ARCHIVE:
        raise Malformed(NAME, f"an archive of more than {MAX_ARCHIVE} bytes")
    count, start, end = _directory(file, length)
    if count > MAX_MEMBERS:
        raise Malformed(NAME, f"an archive that announces {count} members, more than {MAX_MEMBERS}")
    total, allowed = 0, MAX_SMALL + MAX_RATIO * length
    piece, at = b"", 0  # what was read of the directory, and how far it was used
    for _ in range(count):
        if len(piece) - at < _ENTRY.size + 3 * _MAX_FIELD and start < end:
            more = os.pread(file, min(_PIECE, end - start), start)
            start += len(more)
            piece, at = piece[at:] + more, 0
        member, at = _entry(piece, at)
        total += member.size
        if total > allowed:
            raise Malformed(NAME, f"an archive whose members have more than {allowed} bytes")
        yield member


def content(file: int, member: Member) -> Content:
    """Return a member's content. Raises `BadMember`, and OSError."""
    if member.encrypted or member.method not in {_STORED, _DEFLATED}:
        raise BadMember("is encrypted, or compressed in a way that is not read")
    if member.size > MAX_RECORD or member.packed > MAX_RECORD:
        raise BadMember(f"has more than the {MAX_RECORD} bytes that are read")
    packed = _packed(file, member)
    if member.method == _STORED:
        body = packed
        packed = deflated(body)
    else:
        body = inflated(packed, member.size)
    if len(body) != member.size or zlib.crc32(body) != member.crc:
        raise BadMember("is not what the archive says that it is")
    return Content(body, packed)


def inflated(packed: bytes, size: int) -> bytes:
    """Undo `deflated`; `size` is the content's. Raises `BadMember` for more, and for what is no such stream."""
    unpack = zlib.decompressobj(RAW)
    try:
        body = unpack.decompress(packed, size + 1)
    except zlib.error as error:
        raise BadMember("cannot be decompressed") from error
    if not unpack.eof:
        raise BadMember("breaks off, or is longer than it says")
    return body


def deflated(body: bytes) -> bytes:
    """Return the raw deflate stream of a body."""
    pack = zlib.compressobj(wbits=RAW)
    return pack.compress(body) + pack.flush()


def _packed(file: int, member: Member) -> bytes:
    start = os.pread(file, _LOCAL.size + len(member.name) + _GUESS + member.packed, member.offset)
    if len(start) < _LOCAL.size:
        raise BadMember("lies outside of the archive")
    mark, *_, name, extra = _LOCAL.unpack_from(start)
    begins = _LOCAL.size + name + extra
    if mark != b"PK\x03\x04" or start[_LOCAL.size : _LOCAL.size + name] != member.name:
        raise BadMember("is another than the directory says")
    packed = start[begins : begins + member.packed]
    if len(packed) < member.packed:
        packed = os.pread(file, member.packed, member.offset + begins)
    if len(packed) < member.packed:
        raise BadMember("breaks off")
    return packed


def _directory(file: int, length: int) -> tuple[int, int, int]:
    """Return the number of entries, and where the directory begins and ends. Raises `Malformed`."""
    tail_at = max(0, length - _END.size - _MAX_FIELD)
    tail = os.pread(file, length - tail_at, tail_at)
    found = tail.rfind(b"PK\x05\x06")
    while found >= 0:
        if found + _END.size <= len(tail):
            end = _END.unpack_from(tail, found)
            if found + _END.size + end[7] == len(tail):
                break
        found = tail.rfind(b"PK\x05\x06", 0, found)
    if found < 0:
        raise Malformed(NAME, "an archive that is none, or that broke off: it has no end")
    count, size, start = end[4], end[5], end[6]
    limit = tail_at + found
    if _FULL_16 in end[3:5] or _FULL_32 in end[5:7]:
        count, size, start, limit = _large(file, limit, (count, size, start))
    if start + size > limit or count * _ENTRY.size > size:
        raise Malformed(NAME, "an archive whose directory lies outside of it")
    return count, start, start + size


def _large(file: int, end: int, small: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Read the end of an archive with more than 65,534 members, which stands before the other (ZIP64)."""
    located = os.pread(file, _END64_AT.size, max(0, end - _END64_AT.size))
    if len(located) < _END64_AT.size or not located.startswith(b"PK\x06\x07"):
        return (*small, end)  # there may be exactly so many
    at = _END64_AT.unpack(located)[2]
    record = os.pread(file, _END64.size, at) if at < end else b""
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        raise Malformed(NAME, "an archive whose directory cannot be found")
    fields = _END64.unpack(record)
    return fields[7], fields[8], fields[9], at


def _entry(piece: bytes, at: int) -> tuple[Member, int]:
    """Read the entry that begins there, and return where the next one does."""
    if len(piece) - at < _ENTRY.size or not piece.startswith(b"PK\x01\x02", at):
        raise Malformed(NAME, "an archive whose directory breaks off")
    _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, _, offset = _ENTRY.unpack_from(
        piece, at
    )
    at += _ENTRY.size
    if len(piece) < at + name + extra + comment:
        raise Malformed(NAME, "an archive whose directory breaks off")
    member = Member(piece[at : at + name], method, crc, packed, size, offset, bool(flags & _ENCRYPTED))
    return member, at + name + extra + comment
