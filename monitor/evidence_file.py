"""The evidence bundle as a file: a zip that is the same bytes whenever the same things are kept.

manifest.json has the digest of every other member; everything but the raw bodies is JSON. A bundle that is read is hostile: nothing of it
is written anywhere, and its members are limited in number, size, ratio and name.

EvidenceError  the file is no bundle, or not one as it was made
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, TypeVar

import msgspec
from msgspec.json import Decoder

from monitor.domain.advisory import Advisory, Named
from monitor.domain.audit import Sealed
from monitor.domain.bundle import Bundle, Chained, Log
from monitor.domain.checkpoint import Signed
from monitor.domain.dependency import Dependencies
from monitor.domain.evidence import Grounds, Sighting
from monitor.domain.finding import Tracked
from monitor.domain.provenance import Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Release
from monitor.domain.review import Review
from monitor.domain.server import Listed
from monitor.domain.submission import Submission
from monitor.domain.waiver import Waiver

T = TypeVar("T")

FORMAT = "mcp-monitor evidence 1"
MANIFEST, README = "manifest.json", "README.txt"
DATED = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can name."""
NAME = re.compile(r"bodies/[0-9a-f]{64}|log/[a-z-]+\.jsonl?|[a-z-]+\.json|README\.txt")
MOST_MEMBERS = 5000
LARGEST_FILE = 2**30
LARGEST_MEMBER = 2**28
LARGEST_WHOLE = 2**30
RATIO, RATIO_FROM = 300, 2**20
"""How often its size a member may be packed into, where it is larger than that."""

TEXT = """\
Evidence about one version of one MCP server. To decide it again, without a network:

    mcp-monitor evidence verify FILE.zip

manifest.json     the sha256 of every other member
bodies/           raw documents and trust roots, as they were fetched, by sha256; sightings.json says from where and when
claims.json       what was decided about each file, on which document; grounds.json: when, under which trust roots
release.json      what the registry says of the version now, and first-seen.json what it said at the first look
reviews.json      the decision: the pin, the votes, the ticket; entries.json: the states of the registry's entry
advisories.json, named.json, dependencies.json, findings.json, waivers.json, submission.json
log/links.jsonl   the audit log's events about it; log/stretch.jsonl: the log from the first of them to its head
                  hash = sha256(0x01 || the hash before it, as bytes || the line); docs/audit.md of the project says more
"""


class EvidenceError(Exception):
    """The file is no bundle, or not one as it was made; the text says where."""


class _Member(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    size: int


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    server: str
    purl: str
    members: dict[str, _Member]


@dataclass(frozen=True, slots=True)
class _Line:
    """A link, with the hash before it where it stands by itself."""

    link: Sealed
    before: str


MANIFESTS = Decoder(_Manifest)
CLAIMS = Decoder(tuple[Verification, ...])
GROUNDS = Decoder(Grounds | None)
MISSING: Decoder[Mapping[str, str]] = Decoder(Mapping[str, str])
SIGHTINGS = Decoder(tuple[Sighting, ...])
RELEASE = Decoder(Release | None)
FIRST_SEEN = Decoder(KnownRelease | None)
REVIEWS = Decoder(tuple[Review, ...])
ENTRIES = Decoder(tuple[Listed, ...])
NAMED = Decoder(tuple[Named, ...])
ADVISORIES = Decoder(tuple[Advisory, ...])
DEPENDENCIES = Decoder(Dependencies | None)
FINDINGS = Decoder(tuple[Tracked, ...])
WAIVERS = Decoder(tuple[Waiver, ...])
SUBMISSION = Decoder(Submission | None)
SIGNED = Decoder(Signed | None)


def write(bundle: Bundle) -> bytes:
    """Write the bundle."""
    members = _members(bundle)
    listed = {name: _Member(sha256(data).hexdigest(), len(data)) for name, data in sorted(members.items())}
    members[MANIFEST] = _json(_Manifest(FORMAT, bundle.server, str(bundle.purl), listed))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in (MANIFEST, *sorted(members.keys() - {MANIFEST})):
            member = zipfile.ZipInfo(name, DATED)
            member.compress_type, member.external_attr, member.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            file.writestr(member, members[name], compresslevel=6)
    return out.getvalue()


def read(file: IO[bytes]) -> Bundle:
    """Read a bundle. Raises `EvidenceError`."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = _unpacked(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise EvidenceError(f"no zip file that can be read: {str(error)[:200]}") from error
    manifest = _decoded(MANIFESTS, members, MANIFEST)
    _as_made(manifest, members)
    return _bundle(manifest, members)


def _members(bundle: Bundle) -> dict[str, bytes]:
    log = bundle.log
    return {
        README: TEXT.encode(),
        "claims.json": _json(bundle.claims),
        "grounds.json": _json(bundle.grounds),
        "missing.json": _json(bundle.missing),
        "sightings.json": _json(bundle.sightings),
        "release.json": _json(bundle.release),
        "first-seen.json": _json(bundle.first_seen),
        "reviews.json": _json(bundle.reviews),
        "entries.json": _json(bundle.entries),
        "named.json": _json(bundle.named),
        "advisories.json": _json(bundle.advisories),
        "dependencies.json": _json(bundle.dependencies),
        "findings.json": _json(bundle.findings),
        "waivers.json": _json(bundle.waivers),
        "submission.json": _json(bundle.submission),
        "log/links.jsonl": _lines(_Line(each.link, each.before) for each in log.links),
        "log/stretch.jsonl": _lines(_Line(each, "") for each in log.stretch),
        "log/head.jsonl": _lines(_Line(each, "") for each in (log.head,) if each),
        "log/checkpoint.json": _json(log.signed),
        **{f"bodies/{digest}": body for digest, body in bundle.bodies.items()},
    }


def _json(noun: object) -> bytes:
    packed = msgspec.json.encode(noun, order="deterministic")
    return msgspec.json.format(packed, indent=1) + b"\n"


def _lines(links: Iterable[_Line]) -> bytes:
    """One object a line; Python's JSON, which can hold the half characters that upstream may have written."""
    fields = (
        {"seq": each.link.seq, "hash": each.link.hash, "line": each.link.line, "before": each.before} for each in links
    )
    return "".join(json.dumps({k: v for k, v in each.items() if v != ""}) + "\n" for each in fields).encode()


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise EvidenceError(f"over {MOST_MEMBERS} members")
    members: dict[str, bytes] = {}
    whole = 0
    for info in infos:
        shown = ascii(info.filename[:100])
        if not NAME.fullmatch(info.filename) or info.filename in members:
            raise EvidenceError(f"{shown}: no name of a member, or there twice")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise EvidenceError(f"{shown}: encrypted, or packed in another way")
        limit = min(LARGEST_MEMBER, LARGEST_WHOLE - whole, max(RATIO_FROM, RATIO * info.compress_size))
        # What the zip says of sizes may be a lie: no more than the limit is unpacked.
        with archive.open(info) as member:
            data = member.read(limit + 1)
        if len(data) > limit:
            raise EvidenceError(f"{shown}: too large, or packed too tightly")
        whole += len(data)
        members[info.filename] = data
    return members


def _as_made(manifest: _Manifest, members: Mapping[str, bytes]) -> None:
    if manifest.format != FORMAT:
        raise EvidenceError(f"{MANIFEST}: expected the format {FORMAT!r}, got {manifest.format[:50]!a}")
    there = members.keys() - {MANIFEST}
    if odd := sorted(there ^ manifest.members.keys()):
        raise EvidenceError(f"{odd[0][:100]!a}: {'not in the manifest' if odd[0] in there else 'missing'}")
    for name, member in manifest.members.items():
        if sha256(members[name]).hexdigest() != member.sha256:
            raise EvidenceError(f"{name}: changed since the bundle was made")
    for name in members:
        if name.startswith("bodies/") and sha256(members[name]).hexdigest() != name.removeprefix("bodies/"):
            raise EvidenceError(f"{name}: not the document of that digest")


def _bundle(manifest: _Manifest, members: Mapping[str, bytes]) -> Bundle:
    try:
        purl = Purl.parse(manifest.purl)
    except ValueError as error:
        raise EvidenceError(f"{MANIFEST}: no package URL: {str(error)[:200]}") from error
    heads = _links(members, "log/head.jsonl")
    log = Log(
        tuple(Chained(each.before, each.link) for each in _links(members, "log/links.jsonl")),
        tuple(each.link for each in _links(members, "log/stretch.jsonl")),
        heads[0].link if heads else None,
        _decoded(SIGNED, members, "log/checkpoint.json"),
    )
    return Bundle(
        server=manifest.server,
        purl=purl,
        claims=_decoded(CLAIMS, members, "claims.json"),
        grounds=_decoded(GROUNDS, members, "grounds.json"),
        bodies={name.removeprefix("bodies/"): data for name, data in members.items() if name.startswith("bodies/")},
        missing=_decoded(MISSING, members, "missing.json"),
        sightings=_decoded(SIGHTINGS, members, "sightings.json"),
        release=_decoded(RELEASE, members, "release.json"),
        first_seen=_decoded(FIRST_SEEN, members, "first-seen.json"),
        reviews=_decoded(REVIEWS, members, "reviews.json"),
        entries=_decoded(ENTRIES, members, "entries.json"),
        named=_decoded(NAMED, members, "named.json"),
        advisories=_decoded(ADVISORIES, members, "advisories.json"),
        dependencies=_decoded(DEPENDENCIES, members, "dependencies.json"),
        findings=_decoded(FINDINGS, members, "findings.json"),
        waivers=_decoded(WAIVERS, members, "waivers.json"),
        submission=_decoded(SUBMISSION, members, "submission.json"),
        log=log,
    )


def _decoded(decoder: Decoder[T], members: Mapping[str, bytes], name: str) -> T:
    try:
        return decoder.decode(members[name])
    except KeyError:
        raise EvidenceError(f"{name}: missing") from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise EvidenceError(f"{name}: {str(error)[:200]}") from error


def _links(members: Mapping[str, bytes], name: str) -> list[_Line]:
    if name not in members:
        raise EvidenceError(f"{name}: missing")
    return [_link(line, f"{name}, line {number}") for number, line in enumerate(members[name].splitlines(), 1)]


def _link(line: bytes, where: str) -> _Line:
    try:
        read = json.loads(line)
        seq, digest, text, before = read["seq"], read["hash"], read["line"], read.get("before", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EvidenceError(f"{where}: no link of a log") from error
    if not isinstance(seq, int) or not all(isinstance(each, str) for each in (digest, text, before)):
        raise EvidenceError(f"{where}: no link of a log")
    return _Line(Sealed(seq, text, digest), before)
