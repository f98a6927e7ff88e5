"""What a version of a Python package declares that it needs: from the JSON API, or a wheel's core metadata beside it (PEP 658).

PyPI's "JSON API"; https://packaging.python.org/en/latest/specifications/core-metadata/

What is only needed with an extra is left out. Wheels of one version may declare different things: the first one's word counts.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

import msgspec
from packaging.metadata import parse_email

from connectors._dependency_files import packages
from connectors._edge.http import Client, NotModified, Response
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.purl import Purl
from monitor.domain.release import Release
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed, NotFound
from monitor.ports.sources import Fresh

NAME = "pypi"
JSON_API, CORE_METADATA = "PyPI JSON API", "core metadata"
MAX_METADATA = 4 * 2**20
MAX_DECLARED = 10_000
EXTRA = re.compile(r"""(?<!["'\w])extra(?!["'\w])""")


class _Info(msgspec.Struct):
    name: str
    version: str
    requires_dist: list[str] | None = None  # None: nothing is said


class _Document(msgspec.Struct):
    info: _Info


_DOCUMENT = msgspec.json.Decoder(_Document)


async def ask(client: Client, origin: str, release: Release) -> Fresh[Dependencies]:
    """Ask the JSON API at the index's origin, and where it says nothing, for the metadata beside the first wheel.

    Raises the four errors; `NotFound` where neither says anything.
    """
    parts = "/".join(quote(part, safe="") for part in (release.purl.name, release.version))
    try:
        answer = await _document(client, f"{origin}/pypi/{parts}/json")
    except NotFound:
        pass
    else:
        declared = parse_document(answer.body, release.purl, answer.url)
        if declared is not None:
            return Fresh(declared, (), (answer.evidence,))
    wheel = next((each.url for each in release.artifacts if each.filename.lower().endswith(".whl")), None)
    if wheel is None:
        raise NotFound(NAME, f"nothing says what {release.purl.name} {release.version} needs")
    answer = await _document(client, f"{wheel}.metadata", accept="*/*")
    return Fresh(parse_metadata(answer.body, release.purl, answer.url), (), (answer.evidence,))


async def _document(client: Client, url: str, *, accept: str = "application/json") -> Response:
    answer = await client.get(url, accept=accept, limit=MAX_METADATA)
    if isinstance(answer, NotModified):
        raise Malformed(NAME, "said that nothing changed to a question without condition")
    return answer


def parse_document(body: bytes, version: Purl, url: str) -> Dependencies | None:
    """Read the JSON API's answer about a version; None: it says nothing of dependencies. Raises `Malformed`."""
    try:
        read = _DOCUMENT.decode(body).info
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"{url} is no answer of the JSON API: {one_line(str(error), 200)}") from error
    _refuse_other(read.name, read.version, version, url)
    return None if read.requires_dist is None else _declared(read.requires_dist, version, JSON_API, url)


def parse_metadata(body: bytes, version: Purl, url: str) -> Dependencies:
    """Read a wheel's core metadata. Raises `Malformed`."""
    read, _ = parse_email(body)
    _refuse_other(read.get("name", ""), read.get("version", ""), version, url)
    return _declared(read.get("requires_dist", []), version, CORE_METADATA, url)


def _refuse_other(name: str, number: str, version: Purl, url: str) -> None:
    said = packages.pypi(name, number)
    if said is None or not packages.same(said, version):
        raise Malformed(NAME, f"{url} is about {one_line(f'{name} {number}', 200)!r}")


def _declared(requirements: Iterable[str], version: Purl, source: str, url: str) -> Dependencies:
    found: dict[Purl, Dependency] = {}
    unresolved: dict[str, None] = {}
    for number, text in enumerate(requirements):
        if number == MAX_DECLARED:
            raise Malformed(NAME, f"{url} declares more than {MAX_DECLARED} dependencies")
        read = packages.requirement(text)
        if read is None:
            unresolved.setdefault(packages.words(text))
            continue
        if read.marker and EXTRA.search(str(read.marker)):
            continue
        purl = packages.pinned(read)
        if purl is None:
            unresolved.setdefault(packages.words(text))
        elif not packages.same(purl, version):
            found.setdefault(purl, Dependency(purl, (purl.label,)))
    return Dependencies(version, source, whole=False, found=tuple(found.values()), unresolved=tuple(unresolved))
