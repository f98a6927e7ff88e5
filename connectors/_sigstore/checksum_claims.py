"""Checksum files of a release: digests that somebody wrote down. Nobody signed them, and whoever can replace a file can replace its line.

Forms: GNU coreutils (`HEX  NAME`, `HEX *NAME`), BSD (`SHA256 (NAME) = HEX`), and a digest alone in the file of one name (`NAME.sha256`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from connectors._sigstore.claim import Claim, Held
from connectors._sigstore.refusal import Refused, Undecided
from monitor.domain.provenance import Subject
from monitor.domain.release import Digest

MAX_SIZE = 2**20
"""Bytes: a release has at most a thousand files."""
MAX_LINES = 10_000
MAX_LINE = 1024
"""Characters: a file's name and its digest."""
ALGORITHMS = {64: "sha256", 128: "sha512"}
"""By length in hex. Shorter digests can be made to collide, and say nothing."""

HEX = "[0-9A-Fa-f]"
GNU = re.compile(rf"\\?({HEX}{{64}}|{HEX}{{128}})(?:[ \t]+\*?(\S.*))?\Z")
BSD = re.compile(rf"(?:SHA256|SHA512|SHA2-256|SHA2-512) ?\((.+)\) ?= ?({HEX}{{64}}|{HEX}{{128}})\Z")


@dataclass(frozen=True, slots=True)
class _Line:
    """What one line says. `name` empty: a digest alone."""

    digest: Digest
    name: str

    @property
    def file(self) -> str:
        """The name without the folders in which it once lay."""
        return re.split(r"[/\\]", self.name)[-1]


def claims(document: bytes, subject: Subject, url: str) -> list[Claim]:
    """One claim where the file says something of ours, none where it does not. Raises `Refused` or `Undecided`."""
    if len(document) > MAX_SIZE:
        raise Undecided("too-large", f"the checksum file has more than {MAX_SIZE} bytes")
    text = document.decode("utf-8-sig", errors="replace")
    if text.count("\n") > MAX_LINES:
        raise Undecided("too-large", f"the checksum file has more than {MAX_LINES} lines")
    file = unquote(urlsplit(url).path).rpartition("/")[2]
    about_ours = _about(list(_lines(text)), subject, own=file.startswith(f"{subject.filename}."))
    return [Claim("checksum file", lambda _: _decide(about_ours, subject, file))] if about_ours else []


def _lines(text: str) -> Iterator[_Line]:
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or len(stripped) > MAX_LINE:
            continue
        if found := GNU.match(stripped):
            yield _Line(_digest(found[1]), found[2] or "")
        elif found := BSD.match(stripped):
            yield _Line(_digest(found[2]), found[1])


def _digest(text: str) -> Digest:
    return Digest(ALGORITHMS[len(text)], text)


def _about(lines: list[_Line], subject: Subject, *, own: bool) -> list[_Line]:
    """Return the lines about our file: by its whole name, else by its name in some folder, else its digest alone, else its digest.

    `own`: the checksum file is that of this one file, by its own name.
    """
    exact = [line for line in lines if line.name == subject.filename]
    anywhere = [line for line in lines if line.file == subject.filename]
    alone = [line for line in lines if not line.name] if own else []
    ours = set(subject.digests.values())
    return exact or anywhere or alone or [line for line in lines if line.digest in ours]


def _decide(lines: list[_Line], subject: Subject, file: str) -> Held:
    comparable = [line for line in lines if line.digest.algorithm in subject.digests]
    if not comparable:
        raise Undecided("algorithm", "the digest that the release names was not computed")
    agreeing = [line for line in comparable if subject.digests[line.digest.algorithm] == line.digest]
    if len({line.name for line in comparable}) > 1:
        if not agreeing:
            raise Undecided("ambiguous", f"{file[:120]!r} names files of that name in several folders")
    elif len(agreeing) < len(comparable):
        named = next(line.digest for line in comparable if line not in agreeing)
        raise Refused("digest-mismatch", f"{file[:120]!r} names {named}, other bytes were downloaded")
    return Held("checksum", f"{file[:120]!r} names this digest; nobody signed that", "")
