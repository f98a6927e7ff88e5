"""What a version of an npm package declares that it needs, from its own manifest in the registry.

Development and peer dependencies are not installed with it for its own sake, and left out.
"""

from urllib.parse import quote

import msgspec

from connectors._dependency_files import packages
from connectors._edge.http import Client, NotModified
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed, NotFound
from monitor.ports.sources import Fresh

NAME = "npm"
SOURCE = "npm registry"
MAX_DECLARED = 10_000


class _Manifest(msgspec.Struct, rename="camel"):
    name: str = ""
    version: str = ""
    dependencies: dict[str, object] = {}
    optional_dependencies: dict[str, object] = {}
    bundle_dependencies: list[str] | bool = False
    bundled_dependencies: list[str] | bool = False


class _Document(msgspec.Struct):
    """The document of the whole package, which some mirrors give in place of one version's."""

    versions: dict[str, msgspec.Raw] = {}


_MANIFEST = msgspec.json.Decoder(_Manifest)
_DOCUMENT = msgspec.json.Decoder(_Document)


async def ask(client: Client, path: str, version: Purl) -> Fresh[Dependencies]:
    """Ask for the version's manifest at `path`, the package's own; where a registry serves none, for the whole document.

    Raises the four errors; `NotFound` where the version is not there.
    """
    try:
        answer = await client.get(f"{path}/{quote(version.version or '', safe='')}")
    except NotFound:
        answer = await client.get(path)
    if isinstance(answer, NotModified):
        raise Malformed(NAME, "said that nothing changed to a question without condition")
    return Fresh(parse_manifest(answer.body, version, answer.url), (), (answer.evidence,))


def parse_manifest(body: bytes, version: Purl, url: str) -> Dependencies:
    """Read a version's manifest, or it in its package's document. Raises `Malformed`, and `NotFound` where it is not in that."""
    try:
        versions = _DOCUMENT.decode(body).versions
        if versions and version.version not in versions:
            raise NotFound(NAME, f"{url} lists no {version.version}")
        read = _MANIFEST.decode(versions[version.version or ""] if versions else body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"{url} is no manifest: {one_line(str(error), 200)}") from error
    if (read.name, read.version) != (version.label, version.version):
        raise Malformed(NAME, f"{url} is the manifest of {one_line(f'{read.name} {read.version}', 200)!r}")
    declared = read.dependencies | read.optional_dependencies
    if len(declared) > MAX_DECLARED:
        raise Malformed(NAME, f"{url} declares more than {MAX_DECLARED} dependencies")
    found: dict[Purl, Dependency] = {}
    unresolved = []
    for name, wanted in declared.items():
        purl = packages.npm(name, wanted) if isinstance(wanted, str) else None
        if purl is None:
            unresolved.append(packages.words(f"{name} {wanted if isinstance(wanted, str) else '(no range)'}"))
        elif purl != version:
            found.setdefault(purl, Dependency(purl, (purl.label,)))
    unresolved += [packages.words(f"{name} (bundled)") for name in _bundled(read) if name not in declared]
    return Dependencies(
        version, SOURCE, whole=False, found=tuple(found.values()), unresolved=tuple(dict.fromkeys(unresolved))
    )


def _bundled(read: _Manifest) -> list[str]:
    """What lies in the tarball itself, at versions that no manifest tells."""
    both = (read.bundle_dependencies, read.bundled_dependencies)
    return [name for names in both if isinstance(names, list) for name in names[:MAX_DECLARED]]
